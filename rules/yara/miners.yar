// Programs and settings that mine cryptocurrency on the machine of whoever runs them.

rule MinerSettings
{
  meta:
    description = "Mines cryptocurrency for somebody else on the machine that runs it."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1496/"
  strings:
    $anchor_tcp = "stratum+tcp://" nocase
    $anchor_ssl = "stratum+ssl://" nocase
    $anchor_tls = "stratum+tls://" nocase
    $anchor_two = "stratum2+tcp://" nocase
    $pool = /stratum2?\+(tcp|ssl|tls):\/\/[a-z0-9.-]{4,100}:[0-9]{2,5}/ nocase
    $user_option = /\s(-u|--user|-user|--wallet|-wal|-w)[\s="']{1,4}[A-Za-z0-9]{20,110}\b/
    $user_setting = /["'](user|wallet|wallet_address)["']\s{0,4}[:=]\s{0,4}["'][A-Za-z0-9.]{20,120}/
    $program = /\b(xmrig|xmr-stak|cpuminer|minerd|ethminer|nbminer|t-rex|phoenixminer|lolminer|ccminer|teamredminer|gminer|srbminer|trex)\b/ nocase
    $donate = "donate-level"
  condition:
    any of ($anchor*) and ($pool and ($program or $donate or $user_option or $user_setting))
}

rule MinerStarted
{
  meta:
    description = "Starts a program that mines cryptocurrency for somebody else."
    severity = "unsafe"
    reference = "https://attack.mitre.org/techniques/T1496/"
  strings:
    $anchor_nanopool = ".nanopool.org" nocase
    $anchor_minexmr = "minexmr.com" nocase
    $anchor_supportxmr = "supportxmr.com" nocase
    $anchor_hashvault = "hashvault.pro" nocase
    $anchor_ocean = "moneroocean.stream" nocase
    $anchor_unmineable = "unmineable.com" nocase
    $anchor_2miners = ".2miners.com" nocase
    $anchor_nicehash = ".nicehash.com" nocase
    $anchor_c3pool = "c3pool." nocase
    $anchor_herominers = "herominers.com" nocase
    $anchor_donate = "--donate-level"
    $pool = /[a-z0-9.-]{0,40}(\.nanopool\.org|minexmr\.com|supportxmr\.com|hashvault\.pro|moneroocean\.stream|unmineable\.com|\.2miners\.com|\.nicehash\.com|c3pool\.(com|org)|herominers\.com):[0-9]{2,5}/ nocase
    $program = /\b(xmrig|xmr-stak|cpuminer|minerd|ethminer|nbminer|phoenixminer|lolminer|ccminer|teamredminer|srbminer)\b/ nocase
    $option = /\s(-o|--url|-a|--algo|--coin|-pool)[\s=]{1,2}["']?[a-z0-9]/
  condition:
    any of ($anchor*) and (($pool and ($program or $option)) or ($anchor_donate and $program and $option))
}

rule MinerInBrowser
{
  meta:
    description = "Mines cryptocurrency in the browser of whoever opens the page."
    severity = "suspicious"
    reference = "https://attack.mitre.org/techniques/T1496/"
  strings:
    $anchor_hive = "CoinHive.Anonymous("
    $anchor_hive2 = "coinhive.min.js"
    $anchor_loot = "CryptoLoot.Anonymous("
    $anchor_imp = "Client.Anonymous('"
    $anchor_webmine = "webminerpool"
    $script = "<script" nocase
    $start = ".start("
  condition:
    any of ($anchor*) and ($start and ($script or $anchor_hive or $anchor_loot))
}
