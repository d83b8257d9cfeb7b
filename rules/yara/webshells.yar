// Pages that run whatever their visitor sends.

rule WebshellPhp
{
  meta:
    description = "A PHP page that runs whatever its visitor sends."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1505/003/"
  strings:
    $anchor_post = "$_POST["
    $anchor_get = "$_GET["
    $anchor_request = "$_REQUEST["
    $anchor_cookie = "$_COOKIE["
    $anchor_server = "$_SERVER['HTTP_"
    $runs = /\b(eval|assert|system|exec|passthru|shell_exec|popen|proc_open|pcntl_exec|create_function)\s{0,2}\(\s{0,2}(@?(base64_decode|gzinflate|gzuncompress|str_rot13|strrev|stripslashes|urldecode|trim)\s{0,2}\(\s{0,2}){0,3}@?\$_(POST|GET|REQUEST|COOKIE|SERVER)\s{0,2}\[/ nocase
    $backtick = /`\s{0,2}\$_(POST|GET|REQUEST|COOKIE)\s{0,2}\[[^`\n]{1,60}\]\s{0,2}`/
    $called = /\$_(POST|GET|REQUEST|COOKIE)\[[^\]\n]{1,40}\]\s{0,2}\(\s{0,2}\$_(POST|GET|REQUEST|COOKIE)\[/
    $php = "<?" 
  condition:
    any of ($anchor*) and ($php and ($runs or $backtick or $called))
}

rule WebshellKnown
{
  meta:
    description = "A web shell that is passed around among attackers."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1505/003/"
  strings:
    $anchor_c99 = "c99shell" nocase
    $anchor_r57 = "r57shell" nocase
    $anchor_b374k = "b374k shell" nocase
    $anchor_b374k2 = "b374k 2." nocase
    $anchor_wso = "FilesMan"
    $anchor_weevely = "weevely" nocase
    $anchor_alfa = "alfa team shell" nocase
    $anchor_p0wny = "p0wny@shell"
    $php = "<?php"
    $runs_eval = /\beval\s{0,2}\(/
    $runs_shell = /\b(shell_exec|passthru|proc_open|popen|system)\s{0,2}\(/
    $runs_regex = /preg_replace\s{0,2}\(\s{0,2}["'][^\n]{1,20}\/e["']/
  condition:
    any of ($anchor*) and ($php and any of ($runs*))
}

rule WebshellJavaOrDotnet
{
  meta:
    description = "A JSP or ASP page that runs whatever its visitor sends."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1505/003/"
  strings:
    $anchor_parameter = "request.getParameter("
    $anchor_eval = "eval(Request" nocase
    $anchor_eval2 = "eval request" nocase
    $anchor_execute = "execute(request" nocase
    $anchor_process = "ProcessStartInfo"
    $java = /getRuntime\(\)\s{0,4}\.\s{0,4}exec\s{0,2}\(\s{0,4}(new\s{1,4}String\[\]\s{0,2}\{[^}\n]{0,80})?request\.getParameter\(/
    $java_split = /=\s{0,2}request\.getParameter\(\s{0,2}["'](cmd|command|exec|c|pass|pwd)["']\s{0,2}\)/
    $java_exec = /getRuntime\(\)\s{0,4}\.\s{0,4}exec\s{0,2}\(/
    $asp = /<%[^%]{0,60}(eval|execute)\s{0,2}\(?\s{0,2}request/ nocase
    $page = "<%"
    $dotnet = /(Arguments|FileName)\s{0,4}=\s{0,4}[^;\n]{0,60}Request(\.(Form|QueryString|Item|Params))?\s{0,2}\[/
  condition:
    any of ($anchor*) and ($page and ($java or ($java_split and $java_exec) or $asp or ($anchor_process and $dotnet)))
}

rule WebshellPython
{
  meta:
    description = "A Python web server that runs whatever its visitor sends."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1505/003/"
  strings:
    $anchor_args = "request.args"
    $anchor_form = "request.form"
    $anchor_values = "request.values"
    $anchor_query = "request.query_params"
    $anchor_headers = "request.headers"
    $runs = /\b(os\.(system|popen)|subprocess\.(run|Popen|call|check_output|getoutput|getstatusoutput)|eval|exec)\s{0,2}\(\s{0,4}(flask\.|self\.)?request\.(args|form|values|query_params|headers)(\.get)?\s{0,2}[(\[]/
  condition:
    any of ($anchor*) and ($runs)
}
