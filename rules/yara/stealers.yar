// What collects passwords, cookies, wallets and keys, and sends them away. Sending a message to a chat is what training
// scripts do as well; what tells is what is sent.

rule BrowserThief
{
  meta:
    description = "Decrypts the passwords and cookies of the user's browsers, and sends them away."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1555/003/"
  strings:
    $anchor_unprotect = "CryptUnprotectData" nocase
    $anchor_login = "Login Data"
    $anchor_key = "encrypted_key"
    $anchor_firefox = "logins.json"
    $anchor_cookies = "cookies.sqlite"
    $store_chrome = /Google[\\\/]{1,4}Chrome/ nocase
    $store_edge = /Microsoft[\\\/]{1,4}Edge/ nocase
    $store_brave = /BraveSoftware/ nocase
    $store_opera = /Opera Software/ nocase
    $store_yandex = /Yandex[\\\/]{1,4}YandexBrowser/ nocase
    $store_firefox = /Mozilla[\\\/]{1,4}Firefox/ nocase
    $store_state = "Local State"
    $store_cookies = /Network[\\\/]{1,4}Cookies/
    $reads_sql = /SELECT\s[^\n]{0,80}(password_value|encrypted_value|username_value|moz_cookies)/ nocase
    $reads_dpapi = "CryptUnprotectData" nocase
    $reads_nss = "PK11SDR_Decrypt"
    $reads_keychain = "Chrome Safe Storage"
    $sends_webhook = /discord(app)?\.com\/api\/webhooks/ nocase
    $sends_telegram = "api.telegram.org/bot" nocase
    $sends_post = /requests\.post\s{0,2}\(|urlopen\s{0,2}\(|httpx\.post|aiohttp\.ClientSession|Invoke-RestMethod|HttpClient/
    $sends_file = /gofile\.io|anonfiles?\.com|file\.io|transfer\.sh|smtplib\.SMTP|ftplib\.FTP/
  condition:
    any of ($anchor*) and (2 of ($store*) and any of ($reads*) and any of ($sends*))
}

rule DiscordTokenThief
{
  meta:
    description = "Takes the user's Discord session, with which somebody else acts as that user."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1528/"
  strings:
    $anchor_leveldb = "leveldb" nocase
    $anchor_mark = "dQw4w9WgXcQ:"
    $store = /Local Storage[\\\/'", ]{1,8}leveldb/ nocase
    $discord = /discord(canary|ptb)?\b/ nocase
    $token = /\[\\?w_?-?\]\{2[3-6]/
    $token_old = /mfa\\?\.\[\\?w-?\]\{84/
  condition:
    any of ($anchor*) and ($discord and $store and ($token or $token_old or $anchor_mark))
}

rule WalletThief
{
  meta:
    description = "Collects the user's cryptocurrency wallets and sends them away."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1005/"
  strings:
    $anchor_metamask = "nkbihfbeogaeaoehlefnkodbefgpgknn"
    $anchor_phantom = "bfnaelmomeimhlpmgjnjophhpkkoljpa"
    $anchor_coinbase = "hnfanknocfeofbddgcijnmhnfnkdnaad"
    $anchor_binance = "fhbohimaelbohpjbbldcngcnapndodjp"
    $anchor_tron = "ibnejdfjmmkpcnlpebklmnkoeoihofec"
    $anchor_exodus = "exodus.wallet" nocase
    $anchor_dat = "wallet.dat" nocase
    $anchor_electrum = "Electrum\\wallets" nocase
    $anchor_electrum2 = "Electrum\\\\wallets" nocase
    $anchor_atomic = "atomic\\Local Storage" nocase
    $anchor_atomic2 = "atomic\\\\Local Storage" nocase
    $sends_webhook = /discord(app)?\.com\/api\/webhooks/ nocase
    $sends_telegram = "api.telegram.org/bot" nocase
    $sends_post = /requests\.post\s{0,2}\(|httpx\.post|files\s{0,2}=\s{0,2}\{|Invoke-RestMethod/
    $sends_file = /gofile\.io|anonfiles?\.com|transfer\.sh|smtplib\.SMTP|ftplib\.FTP/
  condition:
    any of ($anchor*) and (2 of ($anchor*) and any of ($sends*))
}

rule FilesSentToChat
{
  meta:
    description = "Sends keys, tokens or passwords of the user to a chat or a collecting address."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1567/"
  strings:
    $anchor_webhook = "discord.com/api/webhooks" nocase
    $anchor_webhook2 = "discordapp.com/api/webhooks" nocase
    $anchor_telegram = "api.telegram.org/bot" nocase
    $anchor_site = "webhook.site/" nocase
    $anchor_request = ".requestcatcher.com" nocase
    $anchor_pipedream = ".pipedream.net" nocase
    $anchor_burp = ".oastify.com" nocase
    $anchor_burp2 = ".burpcollaborator.net" nocase
    $anchor_oast = ".oast.fun" nocase
    $anchor_oast2 = ".oast.pro" nocase
    $anchor_oast3 = ".interact.sh" nocase
    $taken_ssh = /\.ssh[\\\/'", ]{1,6}(id_(rsa|ed25519|ecdsa|dsa)|authorized_keys)/
    $taken_aws = /\.aws[\\\/'", ]{1,6}credentials/
    $taken_hub = /(\.cache[\\\/'", ]{1,6})?huggingface[\\\/'", ]{1,6}(token|stored_tokens)\b/
    $taken_kube = /\.kube[\\\/'", ]{1,6}config/
    $taken_docker = /\.docker[\\\/'", ]{1,6}config\.json/
    $taken_npm = /[\\\/'"~]\.(npmrc|pypirc|netrc|git-credentials)\b/
    $taken_shadow = /['"\s@]\/etc\/(passwd|shadow)\b/
    $taken_environment = /(dict|str|dumps|list)\s{0,2}\(\s{0,2}(dict\s{0,2}\(\s{0,2})?os\.environ(\.copy\(\)|\.items\(\))?\s{0,2}\)|(json|data)\s{0,2}=\s{0,2}(dict\()?os\.environ/
    $taken_bash = /\.(bash|zsh)_history\b/
  condition:
    any of ($anchor*) and (any of ($taken*))
}

rule Keylogger
{
  meta:
    description = "Records what the user types, and sends it away."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1056/001/"
  strings:
    $anchor_pynput = "pynput"
    $anchor_hook = "SetWindowsHookEx"
    $anchor_state = "GetAsyncKeyState"
    $anchor_keyboard = "keyboard.hook"
    $anchor_keyboard2 = "keyboard.on_release"
    $anchor_keyboard3 = "keyboard.on_press"
    $hears = /on_press\s{0,2}=|keyboard\.(hook|on_release|on_press)\s{0,2}\(|SetWindowsHookEx\w{0,2}\s{0,2}\(\s{0,2}(WH_KEYBOARD_LL|13)|GetAsyncKeyState\s{0,2}\(/
    $sends_webhook = /discord(app)?\.com\/api\/webhooks/ nocase
    $sends_telegram = "api.telegram.org/bot" nocase
    $sends_mail = /smtplib\.SMTP(_SSL)?\s{0,2}\(|\.sendmail\s{0,2}\(/
    $sends_ftp = /ftplib\.FTP\s{0,2}\(/
    $log = /key_?log|log_?keys|keystroke|keylogs/ nocase
  condition:
    any of ($anchor*) and ($hears and any of ($sends*) and ($log or $sends_webhook or $sends_telegram or $sends_mail))
}

rule DefenderDisabled
{
  meta:
    description = "Turns off the virus protection of Windows."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1562/001/"
  strings:
    $anchor_preference = "Set-MpPreference" nocase ascii wide
    $anchor_exclusion = "Add-MpPreference" nocase ascii wide
    $anchor_spyware = "DisableAntiSpyware" nocase ascii wide
    $anchor_stop = "WinDefend" nocase ascii wide
    $anchor_realtime = "DisableRealtimeMonitoring" nocase ascii wide
    $off = /Set-MpPreference["',\s]{1,6}[^\n]{0,80}-Disable(RealtimeMonitoring|BehaviorMonitoring|IOAVProtection|ScriptScanning|BlockAtFirstSeen|IntrusionPreventionSystem)["',\s:]{1,6}(\$true|1)\b/ nocase ascii wide
    $excluded = /Add-MpPreference["',\s]{1,6}[^\n]{0,40}-Exclusion(Path|Extension|Process)["',\s]{1,6}\\?["']?(C:\\{0,2}["',\s]|\$env:(TEMP|APPDATA|LOCALAPPDATA|USERPROFILE|PUBLIC)|%(TEMP|APPDATA|LOCALAPPDATA|USERPROFILE)%|\.?exe\b|\{)/ nocase ascii wide
    $registry = /DisableAntiSpyware["',\s]{1,6}[^\n]{0,60}(\/d["',\s]{1,6}1|REG_DWORD["',\s]{1,6}[^\n]{0,20}1|-Value["',\s]{1,6}1)/ nocase ascii wide
    $stopped = /(sc(\.exe)?|net)["',\s]{1,6}(stop|delete|config)["',\s]{1,6}WinDefend/ nocase ascii wide
  condition:
    any of ($anchor*) and ($off or $excluded or $registry or $stopped)
}

rule BackupsDeleted
{
  meta:
    description = "Deletes the backups that Windows keeps, as programs do that encrypt files for ransom."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1490/"
  strings:
    $anchor_vss = "vssadmin" nocase ascii wide
    $anchor_wmic = "shadowcopy" nocase ascii wide
    $anchor_boot = "recoveryenabled" nocase ascii wide
    $anchor_catalog = "wbadmin" nocase ascii wide
    $vss = /vssadmin(\.exe)?["',\s]{1,6}delete["',\s]{1,6}shadows/ nocase ascii wide
    $wmic = /wmic(\.exe)?["',\s]{1,6}shadowcopy["',\s]{1,6}delete/ nocase ascii wide
    $boot = /bcdedit(\.exe)?[^\n]{0,60}recoveryenabled["',\s]{1,6}no\b/ nocase ascii wide
    $catalog = /wbadmin(\.exe)?["',\s]{1,6}delete["',\s]{1,6}(catalog|systemstatebackup)/ nocase ascii wide
  condition:
    any of ($anchor*) and ($vss or $wmic or $boot or $catalog)
}

rule StartsWithWindows
{
  meta:
    description = "Sees to it that it is started each time the user logs in."
    severity = "suspicious"
    reference = "https://attack.mitre.org/techniques/T1547/001/"
  strings:
    $anchor_run = "CurrentVersion\\Run" nocase ascii wide
    $anchor_run2 = "CurrentVersion\\\\Run" nocase ascii wide
    $anchor_startup = "Programs\\Startup" nocase ascii wide
    $anchor_startup2 = "Programs\\\\Startup" nocase ascii wide
    $sets_winreg = /winreg\.SetValueEx\s{0,2}\(|RegSetValueEx/
    $sets_reg = /reg(\.exe)?\s{1,4}add\s[^\n]{0,160}CurrentVersion\\{1,2}Run\b[^\n]{0,80}\/v/ nocase ascii wide
    $sets_property = /(Set|New)-ItemProperty\s[^\n]{0,160}CurrentVersion\\{1,2}Run\b/ nocase ascii wide
    $copies = /shutil\.copy(file|2)?\s{0,2}\([^\n]{0,200}/
    $itself = /sys\.argv\[0\]|sys\.executable|__file__|\$PSCommandPath|%~f0/
  condition:
    any of ($anchor*) and ($sets_reg or $sets_property or ($sets_winreg and $itself) or ($copies and $itself))
}

rule CronFetchesCode
{
  meta:
    description = "Sees to it that something is fetched from the network and run again and again."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1053/003/"
  strings:
    $anchor_crontab = "crontab -"
    $anchor_cron = "/etc/cron"
    $anchor_spool = "/var/spool/cron"
    $fetch = /\*\s[^\n]{0,60}(curl|wget)\s[^\n|]{4,200}\|\s{0,4}(ba|da|z)?sh\b/
  condition:
    any of ($anchor*) and ($fetch)
}

rule SshKeyPlanted
{
  meta:
    description = "Lets somebody else log in to this machine, by adding a key to those that are trusted."
    severity = "suspicious"
    reference = "https://attack.mitre.org/techniques/T1098/004/"
  strings:
    $anchor_keys = "authorized_keys"
    $shell = /echo\s{1,4}[^\n]{0,20}(ssh-(rsa|ed25519|dss)|ecdsa-sha2-nistp[0-9]{3})\s{1,4}AAAA[^\n]{10,1200}>>?\s{0,4}[^\n]{0,80}authorized_keys/
    $python = /(ssh-(rsa|ed25519)|ecdsa-sha2-nistp[0-9]{3}) AAAA[A-Za-z0-9+\/=]{20}/
    $python_write = /open\s{0,2}\([^\n]{0,120}authorized_keys[^\n]{0,20}['"][aw]\+?['"]/
  condition:
    any of ($anchor*) and ($shell or ($python and $python_write))
}
