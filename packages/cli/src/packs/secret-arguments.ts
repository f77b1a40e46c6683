import { isSecretName, type PackParameter, parameterVariable } from '@osb-backup/protocol'
import { type ShellCommand, shellCommands } from './shell-commands.ts'

/** Commands that the shell runs itself: their arguments are seen by nobody. */
const BUILTINS = new Set([
  ...[
    'echo',
    'printf',
    '[',
    '[[',
    'test',
    'export',
    'local',
    'declare',
    'typeset',
    'readonly',
    'set',
    'read',
    'return',
  ],
  ...[
    ':',
    '.',
    'source',
    'eval',
    'exit',
    'case',
    'for',
    'in',
    'shift',
    'unset',
    'trap',
    'mapfile',
    'readarray',
    'function',
  ],
])

const OF_AGENT = ['BACKUP_PASSWORD', 'BACKUP_BACKUP_PASSWORD', 'BACKUP_ENCRYPTION_KEY']

/** The variables that hold secrets in a script: those of the agent, secret parameters, and what they are assigned to. */
export function secretVariables(
  script: string,
  { form, stage, parameters }: { form: 1 | 2; stage: string; parameters: readonly PackParameter[] },
): Set<string> {
  const declared = parameters.filter(({ name, secret }) => secret || isSecretName(name))
  const secrets = new Set([...OF_AGENT, ...declared.map(({ name }) => parameterVariable(name))])
  // Of form 1: host username password database filename job_id compression encryption_key.
  if (form === 1 && (stage === 'backup' || stage === 'restore')) for (const place of ['3', '8']) secrets.add(place)
  for (let before = -1; before !== secrets.size; ) {
    before = secrets.size
    for (const [, name = '', value = ''] of script.matchAll(/(?:^|[\s;])([A-Za-z_]\w*)=("[^"]*"|[^\s;]*)/gm)) {
      if (refersTo(value, secrets)) secrets.add(name)
    }
  }
  return secrets
}

/** The functions that scripts define. */
export function definedFunctions(scripts: readonly string[]): Set<string> {
  const definition = /^\s*(?:function\s+)?([A-Za-z_][\w-]*)\s*\(\)/gm
  return new Set(scripts.flatMap((script) => [...script.matchAll(definition)].map(([, name = '']) => name)))
}

/**
 * The commands of a script that pass a secret to a program as an argument, which every user of the machine can read.
 *
 * @param own - Functions, which are no programs.
 */
export function secretArguments(
  script: string,
  secrets: ReadonlySet<string>,
  own: ReadonlySet<string>,
): ShellCommand[] {
  return shellCommands(script).filter(({ words: [program = '', ...rest] }) => {
    if (BUILTINS.has(program) || own.has(program)) return false
    return rest.some((word) => !word.startsWith("'") && refersTo(word, secrets))
  })
}

/** Whether a text expands one of the variables; its length, or whether it is set, is no secret. */
function refersTo(text: string, names: ReadonlySet<string>): boolean {
  return [...text.matchAll(/\$(?:\{(\w+)(?![\w]*:?\+)|(\w+))/g)].some(([, braced, plain]) =>
    names.has(braced ?? plain ?? ''),
  )
}
