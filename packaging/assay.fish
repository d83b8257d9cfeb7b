# Completion for fish: assay
set -l commands scan convert inspect facts judge rules
complete -c assay -n "not __fish_seen_subcommand_from $commands" -f
complete -c assay -n "not __fish_seen_subcommand_from $commands" -a scan -d 'examine files and say what loading them would do'
complete -c assay -n "not __fish_seen_subcommand_from $commands" -a convert -d 'write checkpoints as safetensors'
complete -c assay -n "not __fish_seen_subcommand_from $commands" -a inspect -d "show one file's pickles, calls, tensors and members"
complete -c assay -n "not __fish_seen_subcommand_from $commands" -a facts -d 'write what files say, without judging it'
complete -c assay -n "not __fish_seen_subcommand_from $commands" -a judge -d 'judge kept facts'
complete -c assay -n "not __fish_seen_subcommand_from $commands" -a rules -d 'the rules that files are judged by'
complete -c assay -l help -s h -d 'how to use it'
complete -c assay -n "not __fish_seen_subcommand_from $commands" -l version -d 'its version'

set -l selecting '__fish_seen_subcommand_from scan facts'
complete -c assay -n $selecting -s j -l jobs -x -d 'files read at the same time'
complete -c assay -n $selecting -l include -x -d 'only files that match this glob'
complete -c assay -n $selecting -l exclude -x -d 'not files that match this glob'
complete -c assay -n $selecting -l digest -d 'SHA-256 of every file'
complete -c assay -n $selecting -l spool -x -a '(__fish_complete_directories)' -d 'folder for decompressed bytes'
complete -c assay -n $selecting -l yara -r -d 'YARA rules of your own'
complete -c assay -n $selecting -l malware -x -a 'off on full' -d 'ask ClamAV\'s daemon about every file'
complete -c assay -n $selecting -l clamd-limit -x -d 'most bytes it is sent at once'
complete -c assay -n '__fish_seen_subcommand_from scan facts judge' -l clamd -r -d 'where ClamAV\'s daemon listens'

set -l converting '__fish_seen_subcommand_from convert'
complete -c assay -n $converting -l check -d 'compare two files or folders'
complete -c assay -n $converting -s o -l output -r -d 'file to write, or folder'
complete -c assay -n $converting -l key -x -d 'path of the dict to convert'
complete -c assay -n $converting -l shard-size -x -d 'most bytes of tensors in one file'
complete -c assay -n $converting -l strict -d 'refuse where anything would be left out'
complete -c assay -n $converting -l keep-metadata -d 'keep numbers and texts as metadata'
complete -c assay -n $converting -l copy-tied -d 'write a tensor that has two names twice'
complete -c assay -n $converting -l force -d 'replace files that are there'
complete -c assay -n $converting -l remove-source -d 'remove what was converted'
complete -c assay -n $converting -s n -l dry-run -d 'say what would be done'
complete -c assay -n $converting -s f -l format -x -a 'text json' -d 'format of the report'
complete -c assay -n $converting -l report -r -d 'file for the report'
complete -c assay -n $converting -s v -l verbose -d 'every tensor, and all that is not converted'
complete -c assay -n $converting -l no-colour -d 'plain text on a terminal, too'
complete -c assay -n $converting -l spool -x -a '(__fish_complete_directories)' -d 'folder for decompressed bytes'

complete -c assay -n '__fish_seen_subcommand_from scan convert inspect facts judge' -l policy -r -d 'policy to judge by'
complete -c assay -n '__fish_seen_subcommand_from scan judge' -l fail-on -x -a 'caution unscanned error suspicious unsafe' -d 'level from which the exit code is 1'

set -l reporting '__fish_seen_subcommand_from scan judge'
complete -c assay -n $reporting -s f -l format -x -a 'text json jsonl sarif hub' -d 'format of the report'
complete -c assay -n $reporting -s v -l verbose -d 'show safe files, notes, imports and coverage too'
complete -c assay -n $reporting -l no-colour -d 'plain text on a terminal, too'
complete -c assay -n '__fish_seen_subcommand_from scan facts judge' -s o -l output -r -d 'file to write to'

complete -c assay -n '__fish_seen_subcommand_from scan convert inspect facts' -l allow-unconfined -d 'go on where the system cannot confine the readers'
complete -c assay -n '__fish_seen_subcommand_from inspect' -l all -d 'every opcode and every tensor'
complete -c assay -n '__fish_seen_subcommand_from rules' -f -a list -d 'every rule in one line'
complete -c assay -n '__fish_seen_subcommand_from rules' -f -a explain -d 'what one rule means'
complete -c assay -n '__fish_seen_subcommand_from explain' -f -a "(assay rules list 2>/dev/null | awk '\$1 ~ /\\./ {print \$1}')"
