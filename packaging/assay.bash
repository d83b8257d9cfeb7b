# Completion for bash: assay
_assay() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command="" i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${COMP_WORDS[i]} in
      scan | hook | convert | inspect | facts | judge | rules) command=${COMP_WORDS[i]}; break ;;
    esac
  done
  case $previous in
    -f | --format)
      local formats="text json jsonl sarif hub"
      if [[ $command == convert ]]; then formats="text json"; fi
      mapfile -t COMPREPLY < <(compgen -W "$formats" -- "$current"); return ;;
    --fail-on) mapfile -t COMPREPLY < <(compgen -W "caution unscanned error suspicious unsafe" -- "$current"); return ;;
    --malware) mapfile -t COMPREPLY < <(compgen -W "off on full" -- "$current"); return ;;
    --spool | --git) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    -o | --output | --policy | --report | --baseline | --secrets-key | --yara) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    -j | --jobs | --clamd | --clamd-limit | --include | --exclude | --since | --verify-at | --key | --shard-size) return ;;
    explain)
      local rules
      rules=$(assay rules list 2>/dev/null | awk '$1 ~ /\./ {print $1}')
      mapfile -t COMPREPLY < <(compgen -W "$rules" -- "$current"); return ;;
  esac
  local judging="--policy --fail-on" reporting="--format --output --verbose --no-colour" risk="--allow-unconfined"
  local converting="--check --output --key --shard-size --strict --keep-metadata --copy-tied --force --remove-source --dry-run"
  local known="--baseline --update-baseline --secrets-key"
  local selecting="--jobs --include --exclude --digest --spool --clamd --malware --clamd-limit --yara --no-secrets --verify-secrets --verify-at" words=""
  case $command in
    "") words="scan hook convert inspect facts judge rules --help --version" ;;
    scan) words="--git --since --all $selecting $known --show-secrets $judging $reporting $risk --help" ;;
    convert) words="$converting --policy --spool --format --report --verbose --no-colour $risk --help" ;;
    inspect) words="--all --policy $risk --help" ;;
    hook) words="pre-receive pre-commit $selecting --baseline --secrets-key $judging $risk --let-unread-in --help" ;;
    facts) words="--git --since --all $selecting --secrets-key --policy --output $risk --help" ;;
    judge) words="--clamd $known $judging $reporting --help" ;;
    rules) words="list explain --help" ;;
  esac
  if [[ $current == -* || -z $command || $command == rules || $previous == hook ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -o filenames -F _assay assay
