/**
 * The functions that shells call at Tab. They ask the mqttd that stands on the line, else the one on
 * the PATH: `mqttd complete -- WORD...`, whose first line is `words`, `files` or `folders`.
 */
export const completionScripts = {
  // For bash 3.2 too, which macOS has: it lacks mapfile, compopt and negative indexes.
  bash: `# Completion of mqttd for bash.
_mqttd() {
  local rest=\${COMP_LINE:0:COMP_POINT} breaks='' piece cut i kind value about
  local -a typed=()
  COMPREPLY=()
  # Bash cuts words at = and : as well; a word goes on where no space stands between.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    piece=\${COMP_WORDS[i]}
    cut=\${rest#"\${rest%%[![:space:]]*}"}
    # What is behind the cursor does not count.
    if ((i == COMP_CWORD)); then piece=$cut; fi
    if ((i == 0)) || [[ $cut != "$rest" ]]; then
      typed+=("$piece")
    else
      typed[\${#typed[@]} - 1]+=$piece
    fi
    rest=\${cut#"$piece"}
  done
  local program=\${typed[0]/#\\~/$HOME} word=\${typed[\${#typed[@]} - 1]} before=''
  type -P "$program" >/dev/null || program=mqttd
  # It replaces only what follows the last of them.
  if [[ $COMP_WORDBREAKS == *=* ]]; then breaks+='='; fi
  if [[ $COMP_WORDBREAKS == *:* ]]; then breaks+=':'; fi
  if [[ -n $breaks && $word == *["$breaks"]* ]]; then before=\${word%"\${word##*["$breaks"]}"}; fi
  {
    read -r kind
    while IFS=$'\\t' read -r value about; do COMPREPLY+=("\${value#"$before"}"); done
  } < <("$program" complete -- "\${typed[@]:1}" 2>/dev/null)
  case $kind in
    files) compopt -o default 2>/dev/null || _mqttd_paths -f "\${word#"$before"}" ;;
    folders) compopt -o dirnames 2>/dev/null || _mqttd_paths -d "\${word#"$before"}" ;;
    words) if [[ \${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi ;;
  esac
  return 0
}

_mqttd_paths() {
  local path
  while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen "$1" -- "$2")
}

complete -F _mqttd mqttd
`,
  zsh: `#compdef mqttd
# Completion of mqttd for zsh.
_mqttd() {
  local program=\${words[1]/#\\~/$HOME} kind line value
  local -a lines closed open
  whence -p -- "$program" >/dev/null || program=mqttd
  lines=("\${(@f)$("$program" complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  kind=$lines[1]
  shift lines
  case $kind in
    files | folders)
      if [[ $PREFIX == --*=* ]]; then compset -P '*='; fi
      if [[ $kind == files ]]; then _files; else _files -/; fi
      ;;
    words)
      for line in $lines; do
        value=\${\${line%%$'\\t'*}//:/\\\\:}
        if [[ $line == *$'\\t'* ]]; then value+=:\${line#*$'\\t'}; fi
        # A value follows.
        if [[ \${line%%$'\\t'*} == *= ]]; then open+=("$value"); else closed+=("$value"); fi
      done
      if (( $#open )); then _describe -t values mqttd open -S ''; fi
      if (( $#closed )); then _describe -t words mqttd closed; fi
      ;;
  esac
}

# Read from a folder of fpath it runs at the first Tab, and declares itself otherwise.
if [[ $funcstack[1] == _mqttd ]]; then _mqttd "$@"; else compdef _mqttd mqttd; fi
`,
  fish: `# Completion of mqttd for fish.
function __mqttd_offers
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    set -l program $typed[1]
    set -e typed[1]
    type -qf "$program"; or set program mqttd
    set -l lines (command $program complete -- $typed "$current" 2>/dev/null)
    set -l kind $lines[1]
    set -e lines[1]
    switch "$kind"
        case words
            printf '%s\\n' $lines
        case files folders
            set -l before (string match -r -- '^--[^=]*=' "$current")
            set -l rest (string replace -- "$before" '' "$current")
            set -l paths (__fish_complete_path "$rest")
            if test "$kind" = folders
                set paths (__fish_complete_directories "$rest")
            end
            for path in $paths
                printf '%s\\n' "$before$path"
            end
    end
end

complete -c mqttd -f -a '(__mqttd_offers)'
`,
} as const;
