/** Shells that a script can be had for. */
export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** A script that asks `micro __complete` with the words typed so far, the last being the one to complete. */
export function completionScript(shell: Shell): string {
  return { bash, zsh, fish }[shell];
}

// Bash splits words at "=" too: what the line holds up to the cursor is split at blanks instead.
const bash = `# bash completion of micro; put this in ~/.bashrc:  source <(micro completion bash)
_micro() {
  local line=\${COMP_LINE:0:COMP_POINT} current words
  read -ra words <<<"$line"
  [[ $line == *' ' ]] && words+=("")
  current=\${words[-1]}
  local IFS=$'\\n'
  COMPREPLY=($(micro __complete -- "\${words[@]:1}" 2>/dev/null))
  if [[ $current == *=* && $COMP_WORDBREAKS == *=* ]]; then
    COMPREPLY=("\${COMPREPLY[@]#"\${current%=*}="}")
  fi
  [[ \${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -o default -F _micro micro
`;

const zsh = `#compdef micro
# zsh completion of micro; put this in ~/.zshrc:  source <(micro completion zsh)
_micro() {
  local -a found
  found=("\${(@f)$(micro __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=(\${found:#})
  if (( \${#found} )); then
    compadd -S '' -- \${(M)found:#*=}
    compadd -- \${found:#*=}
  else
    _files
  fi
}
compdef _micro micro
`;

const fish = `# fish completion of micro; put this in ~/.config/fish/completions/micro.fish
function __micro_complete
  set -l words (commandline -opc) (commandline -ct)
  micro __complete -- $words[2..-1] 2>/dev/null
end
complete -c micro -a '(__micro_complete)'
`;
