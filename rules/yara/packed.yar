// Executables that hide their code until they run.

rule PackedUpx
{
  meta:
    description = "An executable packed with UPX: what it does shows only when it runs."
    severity = "caution"
    reference = "https://attack.mitre.org/techniques/T1027/002/"
  strings:
    $anchor_section = { 55 50 58 30 00 00 00 00 }
    $anchor_info = "This file is packed with the UPX executable packer"
    $anchor_id = "$Id: UPX "
    $second = { 55 50 58 31 00 00 00 00 }
    $mark = "UPX!"
  condition:
    any of ($anchor*) and (($mark or $second) and (uint16(0) == 0x5a4d or uint32(0) == 0x464c457f or uint32(0) == 0xfeedfacf or uint32(0) == 0xfeedface))
}

rule PackedProtector
{
  meta:
    description = "An executable wrapped by a protector that hides its code from whoever examines it."
    severity = "suspicious"
    reference = "https://attack.mitre.org/techniques/T1027/002/"
  strings:
    $anchor_vmp = { 2e 76 6d 70 30 00 00 00 }
    $anchor_vmp1 = { 2e 76 6d 70 31 00 00 00 }
    $anchor_themida = ".themida"
    $anchor_winlicense = ".winlice"
    $anchor_aspack = { 2e 61 73 70 61 63 6b 00 }
    $anchor_mpress = { 2e 4d 50 52 45 53 53 31 }
    $anchor_pecompact = "PECompact2"
    $anchor_enigma = ".enigma1"
    $anchor_petite = { 2e 70 65 74 69 74 65 00 }
    $anchor_nspack = { 2e 6e 73 70 30 00 00 00 }
    $anchor_obsidium = "obsidium"
  condition:
    any of ($anchor*) and (uint16(0) == 0x5a4d and uint32(uint32(0x3c)) == 0x00004550 and for any of ($anchor*) : ($ in (uint32(0x3c)..4096)))
}

rule PackedPython
{
  meta:
    description = "A Python program packed into an executable: what it does shows only when it runs."
    severity = "caution"
    reference = "https://attack.mitre.org/techniques/T1027/002/"
  strings:
    $anchor_manifest = "pyi-windows-manifest-filename"
    $anchor_archive = "PYZ-00.pyz"
    $anchor_folder = "_MEIPASS2"
    $anchor_init = "_PYI_APPLICATION_HOME_DIR"
    $cookie = { 4d 45 49 0c 0b 0a 0b 0e }
  condition:
    any of ($anchor*) and ($cookie and (uint16(0) == 0x5a4d or uint32(0) == 0x464c457f or uint32(0) == 0xfeedfacf))
}
