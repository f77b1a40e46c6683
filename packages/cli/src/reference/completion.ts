import type { CommandDescription } from './describe-command.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** The name of the command that the scripts ask for candidates. */
export const COMPLETE = '__complete'

/** The completion script of a shell: it asks the program itself for candidates. */
export function completionScript(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return `# bash completion of osb-backup. Load it with: source <(osb-backup completion bash)
_osb_backup() {
  local IFS=$'\\n' words=("\${COMP_WORDS[@]:1:COMP_CWORD-1}") current="\${COMP_WORDS[COMP_CWORD]}" line
  COMPREPLY=()
  [[ $current == = ]] && current=
  while IFS= read -r line; do
    COMPREPLY+=("$(printf '%q' "\${line%%$'\\t'*}")")
  done < <(osb-backup ${COMPLETE} -- "\${words[@]}" "$current" 2>/dev/null)
  [[ \${COMPREPLY[0]-} == :files ]] && COMPREPLY=() && compopt -o default
}
complete -F _osb_backup osb-backup
`
    case 'zsh':
      return `#compdef osb-backup
# zsh completion of osb-backup. Load it with: source <(osb-backup completion zsh)
_osb_backup() {
  local -a candidates
  local line value
  while IFS= read -r line; do
    value="\${line%%$'\\t'*}"
    if [[ "$value" == :files ]]; then _files; return; fi
    if [[ "$line" == *$'\\t'* ]]; then candidates+=("\${value//:/\\\\:}:\${line#*$'\\t'}"); else candidates+=("\${value//:/\\\\:}"); fi
  done < <(osb-backup ${COMPLETE} -- "\${(@)words[2,CURRENT-1]}" "\${words[CURRENT]}" 2>/dev/null)
  _describe 'osb-backup' candidates
}
if [[ "\${funcstack[1]}" == _osb_backup ]]; then _osb_backup "$@"; else compdef _osb_backup osb-backup; fi
`
    case 'fish':
      return `# fish completion of osb-backup. Load it with: osb-backup completion fish | source
function __osb_backup_complete
    set -l tokens (commandline -opc) (commandline -ct)
    for line in (osb-backup ${COMPLETE} -- $tokens[2..-1] 2>/dev/null)
        if test "$line" = ":files"
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c osb-backup -f -a '(__osb_backup_complete)'
`
  }
}

/** What can follow the words of a command line. */
export type Candidates =
  /** Those of these that begin with the word that is being typed. */
  | { kind: 'words'; words: readonly { word: string; description?: string | undefined }[] }
  /** A file. */
  | { kind: 'files' }
  /** The name or id of an entry of a resource, such as `plan`. */
  | { kind: 'entries'; noun: string }
  /** An item of a service instance. */
  | { kind: 'items'; instance: string }

/**
 * Decides what can follow.
 *
 * @param words - The complete words after the program, then the one that is being typed, which may be empty.
 */
export function candidatesAfter(root: CommandDescription, words: readonly string[]): Candidates {
  const current = words.at(-1) ?? ''
  // Bash separates the equals sign of --option=value from the words beside it.
  const { command, positionals, given, pending } = walk(
    root,
    words.slice(0, -1).filter((word) => word !== '='),
  )
  const options = [...command.options, ...root.options]
  const instance = given.get('--instance') ?? positionals[0]
  if (pending !== undefined) return valuesOf(pending.long ?? '', pending.choices, instance)
  if (current.startsWith('-')) {
    const words = options.flatMap(({ long, description }) => (long === undefined ? [] : [{ word: long, description }]))
    return { kind: 'words', words }
  }
  if (command.subcommands.length > 0) {
    const words = command.subcommands.map(({ path, description }) => ({
      word: path.split(' ').at(-1) ?? '',
      description,
    }))
    return { kind: 'words', words }
  }
  const last = command.arguments.at(-1)
  const argument = command.arguments[positionals.length] ?? (last?.isVariadic ? last : undefined)
  return argument === undefined ? { kind: 'words', words: [] } : valuesOf(argument.term, argument.choices, instance)
}

function walk(root: CommandDescription, words: readonly string[]) {
  let command = root
  const positionals: string[] = []
  const given = new Map<string, string>()
  let pending: CommandDescription['options'][number] | undefined
  for (const word of words) {
    if (pending !== undefined) {
      given.set(pending.long ?? '', word)
      pending = undefined
    } else if (word.startsWith('-') && word !== '-') {
      const option = [...command.options, ...root.options].find(({ long, short }) => long === word || short === word)
      if (option?.takesValue) pending = option
    } else {
      const next = command.subcommands.find(
        ({ path, aliases }) => path.split(' ').at(-1) === word || aliases.includes(word),
      )
      if (next === undefined || positionals.length > 0) positionals.push(word)
      else command = next
    }
  }
  return { command, positionals, given, pending }
}

const nouns = new Set([
  'instance',
  'agent',
  'destination',
  'plan',
  'job',
  'restore-point',
  'alarm',
  'channel',
  'notification',
  'token',
  'broker-account',
  'context',
])
const aliases: Readonly<Record<string, string>> = { to: 'instance', instances: 'instance', point: 'restore-point' }

function valuesOf(name: string, choices: readonly string[], instance: string | undefined): Candidates {
  const plain = name.replace(/^--/, '')
  const noun = aliases[plain] ?? plain
  if (choices.length > 0) return { kind: 'words', words: choices.map((word) => ({ word })) }
  if (nouns.has(noun)) return { kind: 'entries', noun }
  if (noun === 'item' && instance !== undefined) return { kind: 'items', instance }
  return /(^|-)file$|directory$/.test(plain) ? { kind: 'files' } : { kind: 'words', words: [] }
}
