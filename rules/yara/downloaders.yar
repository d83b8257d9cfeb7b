// What fetches something from an unlikely place and runs it. Vendors' installers that are piped into a shell are
// everywhere and are quiet here: what tells is where it comes from, or that it is done behind the user's back.

rule DownloadPipedToShell
{
  meta:
    description = "Fetches a script from an address that no vendor uses, and runs it at once."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1105/"
  strings:
    $anchor_ip1 = "http://1"
    $anchor_ip2 = "http://2"
    $anchor_ip3 = "http://3"
    $anchor_ip4 = "http://4"
    $anchor_ip5 = "http://5"
    $anchor_ip6 = "http://6"
    $anchor_ip7 = "http://7"
    $anchor_ip8 = "http://8"
    $anchor_ip9 = "http://9"
    $anchor_paste = "pastebin.com/raw"
    $anchor_paste2 = "paste.ee/r/"
    $anchor_paste3 = "rentry.co/"
    $anchor_paste4 = "hastebin.com/raw"
    $anchor_transfer = "transfer.sh/"
    $anchor_tunnel = ".trycloudflare.com"
    $anchor_tunnel2 = ".ngrok"
    $anchor_tunnel3 = ".serveo.net"
    $anchor_discord = "cdn.discordapp.com/attachments"
    $anchor_onion = ".onion/"
    $anchor_catbox = "files.catbox.moe"
    $fetch = /\b(curl|wget)\b[^\n|;&]{0,200}(http:\/\/((1?[1-9]|[2-9][0-9]|1[01][0-9]|12[0-689]|1[3-5][0-9]|16[0-8]|17[013-9]|18[0-9]|19[013-9]|2[0-9][0-9])(\.[0-9]{1,3}){3}|169\.([0-9]{1,2}|1[0-9][0-9]|2[0-46-9][0-9]|25[0-35-9])(\.[0-9]{1,3}){2}|172\.([0-9]|1[0-5]|3[2-9]|[4-9][0-9]|[12][0-9][0-9])(\.[0-9]{1,3}){2}|192\.([0-9]{1,2}|1[0-57-9][0-9]|16[0-79]|2[0-9][0-9])(\.[0-9]{1,3}){2})[:\/]|pastebin\.com\/raw|paste\.ee\/r\/|rentry\.co\/|hastebin\.com\/raw|transfer\.sh\/|\.trycloudflare\.com|\.ngrok(-free)?\.(io|app|dev)|\.serveo\.net|cdn\.discordapp\.com\/attachments|\.onion\/|files\.catbox\.moe)[^\n|;&]{0,200}(\|\s{0,4}(sudo\s{1,4})?(\/bin\/)?(ba|da|z)?sh\b|\|\s{0,4}(sudo\s{1,4})?python[0-9.]{0,4}\b)/
    $substituted = /\b(ba|da|z)?sh\s{1,4}(-c\s{1,4})?["']?(<\(|\$\(|`)\s{0,4}(curl|wget)\b[^\n)`]{0,200}(http:\/\/((1?[1-9]|[2-9][0-9]|1[01][0-9]|12[0-689]|1[3-5][0-9]|16[0-8]|17[013-9]|18[0-9]|19[013-9]|2[0-9][0-9])(\.[0-9]{1,3}){3}|169\.([0-9]{1,2}|1[0-9][0-9]|2[0-46-9][0-9]|25[0-35-9])(\.[0-9]{1,3}){2}|172\.([0-9]|1[0-5]|3[2-9]|[4-9][0-9]|[12][0-9][0-9])(\.[0-9]{1,3}){2}|192\.([0-9]{1,2}|1[0-57-9][0-9]|16[0-79]|2[0-9][0-9])(\.[0-9]{1,3}){2})[:\/]|pastebin\.com\/raw|paste\.ee\/r\/|rentry\.co\/|transfer\.sh\/|\.trycloudflare\.com|\.ngrok(-free)?\.(io|app|dev)|cdn\.discordapp\.com\/attachments|\.onion\/|files\.catbox\.moe)/
    $kept = /\b(curl|wget)\b[^\n|;&]{0,200}https?:\/\/((1?[1-9]|[2-9][0-9]|1[01][0-9]|12[0-689]|1[3-5][0-9]|16[0-8]|17[013-9]|18[0-9]|19[013-9]|2[0-9][0-9])(\.[0-9]{1,3}){3}|169\.([0-9]{1,2}|1[0-9][0-9]|2[0-46-9][0-9]|25[0-35-9])(\.[0-9]{1,3}){2}|172\.([0-9]|1[0-5]|3[2-9]|[4-9][0-9]|[12][0-9][0-9])(\.[0-9]{1,3}){2}|192\.([0-9]{1,2}|1[0-57-9][0-9]|16[0-79]|2[0-9][0-9])(\.[0-9]{1,3}){2})[:\/][^\n|;&]{0,200}(;|&&)\s{0,4}chmod\s{1,4}(\+x|a\+x|u\+x|[0-7]{3,4})\s[^\n;&]{1,100}(;|&&)\s{0,4}(nohup\s{1,4}|sh\s{1,4}|bash\s{1,4})?(\.\/|\/tmp\/|\/dev\/shm\/|\/var\/tmp\/)/
  condition:
    any of ($anchor*) and ($fetch or $substituted or $kept)
}

rule PythonRunsDownload
{
  meta:
    description = "Runs Python code that it fetches from the network at that moment, so that nobody can read it beforehand."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1059/006/"
  strings:
    $anchor_requests = "requests.get"
    $anchor_urlopen = "urlopen("
    $anchor_httpx = "httpx.get"
    $anchor_urllib3 = "urllib3.PoolManager"
    $direct = /\b(exec|eval)\s{0,2}\(\s{0,4}(compile\s{0,2}\(\s{0,4})?((base64\.)?b64decode\s{0,2}\(\s{0,4}|(zlib\.)?decompress\s{0,2}\(\s{0,4}){0,2}((__import__\(\s{0,2}['"](requests|urllib|urllib\.request|httpx)['"][^\n]{0,40}\)(\.request)?\.)|(urllib\.)?(request\.)?|requests\.|httpx\.)(get|urlopen|post)\s{0,2}\(/
  condition:
    any of ($anchor*) and ($direct)
}

rule PythonRunsDownloadedProgram
{
  meta:
    description = "Fetches a program from the network and starts it."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1105/"
  strings:
    $anchor_requests = "requests.get"
    $anchor_retrieve = "urlretrieve"
    $anchor_urlopen = "urlopen("
    $program = /https?:\/\/[^\s'"<>]{4,200}\.(exe|scr|bat|vbs|hta|dll|cmd|pif|jse|lnk)(\?[^\s'"]{0,100})?['"]/ nocase
    $start_file = "os.startfile"
    $start_popen = /subprocess\.(Popen|run|call|check_call|check_output)\s{0,2}\(/
    $start_system = /os\.(system|popen|execv[ep]?|spawn[lv]p?e?)\s{0,2}\(/
    $start_shell = "ShellExecute"
    $hidden_temp = /tempfile\.(gettempdir|mkdtemp|NamedTemporaryFile|mktemp)|['"]%?(TEMP|TMP|APPDATA|LOCALAPPDATA|PUBLIC)%?['"\\\/]|AppData|\\\\Temp/
    $hidden_window = /CREATE_NO_WINDOW|SW_HIDE|STARTF_USESHOWWINDOW|creationflags\s{0,2}=|-WindowStyle\s{1,4}Hidden/ nocase
  condition:
    any of ($anchor*) and ($program and any of ($start*) and any of ($hidden*))
}

rule PowershellDownloadHidden
{
  meta:
    description = "Fetches code from the network and runs it in a hidden PowerShell."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1059/001/"
  strings:
    $anchor_shell = "powershell" nocase ascii wide
    $fetch_string = "DownloadString(" nocase ascii wide
    $fetch_data = "DownloadData(" nocase ascii wide
    $fetch_file = "DownloadFile(" nocase ascii wide
    $fetch_request = /\b(iwr|irm|Invoke-WebRequest|Invoke-RestMethod)\s/ nocase ascii wide
    $run_iex = /\biex\b/ nocase ascii wide
    $run_invoke = "Invoke-Expression" nocase ascii wide
    $run_start = "Start-Process" nocase ascii wide
    $hidden = /powershell(\.exe)?["']?[,\s][^\n]{0,120}-w(in|indow|indowstyle)?["',\s]{1,6}(h|hid|hidden|1)\b/ nocase ascii wide
  condition:
    any of ($anchor*) and ($hidden and any of ($fetch*) and any of ($run*))
}

rule PowershellEncoded
{
  meta:
    description = "Starts PowerShell with a command that is encoded, so that nobody reads what it does."
    severity = "suspicious"
    reference = "https://attack.mitre.org/techniques/T1027/010/"
  strings:
    $anchor_shell = "powershell" nocase ascii wide
    $anchor_pwsh = "pwsh -e" nocase
    // Letters in UTF-16, in base64: of eight characters the fifth and the last are A, others are one of a few.
    $encoded = /(powershell(\.exe)?|pwsh)["']?[,\s][^\n]{0,160}[-\/]e(n|nc|nco|ncod|ncode|ncoded|ncodedc|ncodedco|ncodedcom|ncodedcomm|ncodedcomma|ncodedcomman|ncodedcommand)?["',\s]{1,6}([A-Za-z0-9+\/][AQgw][AB][A-Za-z0-9+\/]A[A-H][A-Za-z0-9+\/]A){4}/ nocase
    $encoded_wide = /p\x00o\x00w\x00e\x00r\x00s\x00h\x00e\x00l\x00l\x00[^\n]{0,240}-\x00e\x00(n\x00c\x00)?[^\n]{0,40} \x00([A-Za-z0-9+\/]\x00){40}/ nocase
  condition:
    any of ($anchor*) and ($encoded or $encoded_wide)
}

rule WindowsToolFetchesCode
{
  meta:
    description = "Makes a tool of Windows fetch and run code, which is a way around what watches for downloads."
    severity = "suspicious"
    reference = "https://lolbas-project.github.io/"
  strings:
    $anchor_mshta = "mshta http" nocase ascii wide
    $anchor_mshta_script = "mshta vbscript" nocase ascii wide
    $anchor_mshta_java = "mshta javascript" nocase ascii wide
    $anchor_mshta_quoted = "mshta \"http" nocase ascii wide
    $anchor_certutil = "certutil" nocase ascii wide
    $anchor_scrobj = "scrobj.dll" nocase ascii wide
    $anchor_bits = "bitsadmin" nocase ascii wide
    $anchor_mshta_exe = "mshta.exe" nocase ascii wide
    $mshta = /mshta(\.exe)?["']?\s{1,4}["']?(https?:\/\/|vbscript:|javascript:)/ nocase ascii wide
    $certutil = /certutil(\.exe)?["']?\s[^\n]{0,60}[-\/]urlcache\s[^\n]{0,60}https?:\/\// nocase ascii wide
    $scrobj = /regsvr32(\.exe)?\s[^\n]{0,60}\/i:https?:\/\/[^\n]{1,200}scrobj\.dll/ nocase ascii wide
    $bits = /bitsadmin(\.exe)?\s[^\n]{0,60}\/transfer\s[^\n]{0,80}https?:\/\/[^\s]{1,200}\.(exe|dll|scr|bat|ps1|vbs|hta)/ nocase ascii wide
  condition:
    any of ($anchor*) and ($mshta or $certutil or $scrobj or $bits)
}

rule PythonObfuscated
{
  meta:
    description = "Runs Python code that is packed and encoded in the file, so that nobody reads what it does."
    severity = "suspicious"
    reference = "https://attack.mitre.org/techniques/T1027/"
  strings:
    $anchor_exec1 = "exec(base64"
    $anchor_exec2 = "exec(b64"
    $anchor_exec3 = "exec(b85"
    $anchor_exec4 = "exec(b32"
    $anchor_exec5 = "exec(a85"
    $anchor_exec6 = "exec(marshal"
    $anchor_exec7 = "exec(zlib"
    $anchor_exec8 = "exec(lzma"
    $anchor_exec9 = "exec(bz2."
    $anchor_exec10 = "exec(gzip"
    $anchor_exec11 = "exec(codecs"
    $anchor_exec12 = "exec(bytes"
    $anchor_exec13 = "exec(bytearray"
    $anchor_exec14 = "exec(__import__"
    $anchor_exec15 = "exec(compile("
    $anchor_exec16 = "exec(decompress"
    $anchor_exec17 = "exec(loads("
    $anchor_eval1 = "eval(base64"
    $anchor_eval2 = "eval(b64"
    $anchor_eval3 = "eval(marshal"
    $anchor_eval4 = "eval(zlib"
    $anchor_eval5 = "eval(codecs"
    $anchor_eval6 = "eval(bytes"
    $anchor_eval7 = "eval(__import__"
    $anchor_eval8 = "eval(compile("
    $anchor_zlib = "__import__('zlib')"
    $anchor_zlib2 = "__import__(\"zlib\")"
    $anchor_base64 = "__import__('base64')"
    $anchor_base642 = "__import__(\"base64\")"
    $anchor_marshal = "__import__('marshal')"
    $anchor_marshal2 = "__import__(\"marshal\")"
    $runs = /\b(exec|eval)\s{0,2}\(\s{0,4}(compile\s{0,2}\(\s{0,4})?((__import__\(\s{0,2}['"](zlib|base64|lzma|bz2|marshal|gzip|codecs)['"]\s{0,2}\)|zlib|base64|lzma|bz2|marshal|gzip|codecs|bytes|bytearray)\.)?(decompress|b64decode|b85decode|b32decode|a85decode|urlsafe_b64decode|loads|fromhex|decode)\s{0,2}\(/
    $reversed = /\(lambda\s{0,2}__?\s{0,2}:\s{0,2}__import__\(['"](zlib|base64)['"]\)/
  condition:
    any of ($anchor*) and ($runs or $reversed)
}
