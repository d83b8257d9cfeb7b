// Shells that connect to somebody else's machine, or wait for somebody to connect.

rule ReverseShellBash
{
  meta:
    description = "Opens a shell that somebody else's machine controls, through bash's /dev/tcp."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1059/004/"
  strings:
    $anchor_tcp = "/dev/tcp/"
    $anchor_udp = "/dev/udp/"
    $interactive = /sh["']?\s{1,4}-i\s{0,4}[0-9]?\s{0,2}(>&|&>|<>|>|<)\s{0,4}\/dev\/(tcp|udp)\//
    $opened = /exec\s{1,4}[0-9]{1,3}<>\s{0,4}\/dev\/(tcp|udp)\//
    $read_by_shell = /\b(ba|da|z|k)?sh\s{1,4}(-i\s{1,4})?0?<&\s?[0-9]{1,3}/
    $read_by_line = /while\s{1,4}read\s[^\n]{0,40}<&\s?[0-9]{1,3}/
    $read_by_cat = /cat\s{1,4}0?<&\s?[0-9]{1,3}\s{0,4}\|\s{0,4}while\s{1,4}read\s/
  condition:
    any of ($anchor*) and ($interactive or ($opened and any of ($read_by*)))
}

rule ReverseShellNetcat
{
  meta:
    description = "Hands a shell to whoever is at the other end of a network connection, through netcat or socat."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1059/004/"
  strings:
    $anchor_e = " -e /bin/"
    $anchor_c = " -c /bin/"
    $anchor_fifo = "mkfifo /"
    $anchor_socat = "exec:/bin/" nocase
    $anchor_socat_quoted = "exec:'/bin/" nocase
    $anchor_socat_bash = "exec:'bash" nocase
    $netcat = /\b(nc|ncat|netcat|nc\.traditional|nc\.exe)\s[^\n]{0,80}\s(-e|-c|--exec|--sh-exec)\s{1,4}["']?\/bin\/(ba|da|z|k)?sh\b/
    $fifo = /mkfifo\s{1,4}(\/[\w.\/-]{1,60})\s{0,4}[;&\n][^\n]{0,120}\bsh\b[^\n]{0,60}\|\s{0,4}(nc|ncat|netcat|openssl\s{1,4}s_client|telnet)\s/
    $socat = /socat\s[^\n]{0,120}exec:["']?(\/bin\/)?(ba|da|z|k)?sh/ nocase
  condition:
    any of ($anchor*) and ($netcat or $fifo or $socat)
}

rule ReverseShellPython
{
  meta:
    description = "Connects to somebody else's machine and gives it a shell, in Python."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1059/006/"
  strings:
    $anchor_dup2 = ".dup2("
    $anchor_spawn = "pty.spawn"
    $anchor_dup2_name = "dup2(s"
    $socket = "socket"
    $connect = /\.connect(_ex)?\s{0,4}\(/
    $to_input = /dup2\s{0,2}\(\s{0,4}[\w.]{1,40}(\.fileno\(\))?\s{0,4},\s{0,4}(0|sys\.stdin\.fileno\(\)|fd)\s{0,4}\)/
    $shell_path = /["']\/bin\/(ba|da|z|k)?sh["']/
    $shell_name = /pty\.spawn\s{0,4}\(\s{0,4}\[?["'](ba|da|z|k)?sh["']/
    $shell_windows = /["'](cmd|powershell)(\.exe)?["']/
  condition:
    any of ($anchor*) and ($socket and $connect and any of ($shell*) and ($to_input or $anchor_spawn))
}

rule ReverseShellPowershell
{
  meta:
    description = "Connects to somebody else's machine and runs what it sends, in PowerShell."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1059/001/"
  strings:
    $anchor_client = "Net.Sockets.TCPClient" nocase ascii wide
    $stream = "GetStream()" nocase ascii wide
    $runs_iex = /\biex\b/ nocase ascii wide
    $runs_invoke = "Invoke-Expression" nocase ascii wide
    $runs_process = /Start-Process\s[^\n]{0,60}cmd/ nocase ascii wide
    $reads = ".Read(" nocase ascii wide
  condition:
    any of ($anchor*) and ($stream and $reads and any of ($runs*))
}

rule ReverseShellOtherLanguages
{
  meta:
    description = "Connects to somebody else's machine and gives it a shell, in Perl, PHP, Ruby or JavaScript."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1059/"
  strings:
    $anchor_perl = "open(STDIN,\">&"
    $anchor_perl_spaced = "open(STDIN, \">&"
    $anchor_numbers = "sh -i <&3 >&3 2>&3"
    $anchor_ruby = "sh -i <&%d >&%d 2>&%d"
    $anchor_node = "require('child_process')"
    $anchor_node_double = "require(\"child_process\")"
    $perl = /use\s{1,4}Socket|IO::Socket/
    $perl_shell = /exec\s{0,4}[({]?\s{0,4}["']\/bin\/(ba|da)?sh\s{1,4}-i/
    $node_net = /require\(["']net["']\)/
    $node_shell = /spawn\(\s{0,4}["'](\/bin\/(ba)?sh|cmd(\.exe)?|powershell(\.exe)?)["']/
    $node_pipe = /\.pipe\(\s{0,4}\w{1,30}\.stdin\s{0,4}\)/
  condition:
    any of ($anchor*) and (($perl and $perl_shell) or $anchor_numbers or $anchor_ruby or ($node_net and $node_shell and $node_pipe))
}

rule ShellcodeLoader
{
  meta:
    description = "Puts machine code into memory and jumps to it."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1620/"
  strings:
    $anchor_alloc = "VirtualAlloc"
    $anchor_mprotect = "mmap.PROT_EXEC"
    $copy_move = "RtlMoveMemory"
    $copy_write = "WriteProcessMemory"
    $start_thread = "CreateThread"
    $start_remote = "CreateRemoteThread"
    $start_apc = "QueueUserAPC"
    $start_call = /CFUNCTYPE\([^\n]{0,60}\)\s{0,2}\(/
    $script_ctypes = "ctypes"
    $script_powershell = "DllImport(" nocase
    $script_go = "syscall.NewLazyDLL"
    $writable = "mmap.PROT_WRITE"
  condition:
    any of ($anchor*) and (any of ($script*) and (($anchor_alloc and any of ($copy*) and any of ($start*)) or ($anchor_mprotect and $writable and $start_call)))
}
