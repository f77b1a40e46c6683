import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { declarationProblem } from '@osb-backup/core'
import { errorCode, errorMessage } from '@osb-backup/node'
import {
  backupStages,
  LIST_STAGE,
  type PackFile,
  packFileSchema,
  publishedRestoreStages,
  stages,
} from '@osb-backup/protocol'
import { z } from 'zod'
import { definedFunctions, secretArguments, secretVariables } from './secret-arguments.ts'
import { hasPipeline } from './shell-commands.ts'

const run = promisify(execFile)
const PROGRAM_TIMEOUT_MS = 60_000
/** What shellcheck cannot know of scripts that are read into others, by paths that are computed. */
const EXCLUDED = 'SC1090,SC1091,SC2034,SC2154'

/** Something that is wrong with a pack. Warnings do not fail the check. */
export interface Finding {
  severity: 'error' | 'warning'
  /** Within the pack. */
  file: string
  line?: number
  message: string
}

/** What the check of a pack found. */
export interface PackCheck {
  form: 1 | 2
  findings: Finding[]
  /** Whether shellcheck was there to be asked. */
  hasShellcheck: boolean
}

/**
 * Checks the scripts of a directory against the contract of their form, without running any.
 *
 * @throws If the directory cannot be read.
 */
export async function checkPack(directory: string, signal: AbortSignal): Promise<PackCheck> {
  const files = (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .toSorted()
  const pack = files.includes('pack.json') ? await readPackFile(directory) : undefined
  const form = files.includes('pack.json') ? 2 : 1
  const findings = [...(pack?.findings ?? []), ...missingStages(files, form, pack?.file)]
  const scripts = files.filter((file) => file.endsWith('.sh') || stages.some((stage) => stage === file))
  const parameters = pack?.file?.parameters ?? []
  const texts = await Promise.all(scripts.map((file) => readFile(join(directory, file), 'utf8')))
  const functions = definedFunctions(texts)
  for (const [index, file] of scripts.entries()) {
    const text = texts[index] ?? ''
    const stage = basename(file, '.sh')
    findings.push(...(await syntaxProblems(directory, file, signal)))
    findings.push(...optionProblems(file, text, form))
    const secrets = secretVariables(text, { form, stage, parameters })
    for (const { line, words } of secretArguments(text, secrets, functions)) {
      const message = `${words[0]} gets a secret as an argument, which every user of the machine can read: pass it in the environment or a file`
      findings.push({ severity: 'error', file, line, message })
    }
  }
  const shellcheck = await askShellcheck(directory, scripts, signal)
  return { form, findings: [...findings, ...(shellcheck ?? [])], hasShellcheck: shellcheck !== undefined }
}

async function readPackFile(directory: string): Promise<{ file?: PackFile; findings: Finding[] }> {
  const finding = (message: string, severity: Finding['severity'] = 'error'): Finding => ({
    severity,
    file: 'pack.json',
    message,
  })
  let json: unknown
  try {
    json = JSON.parse(await readFile(join(directory, 'pack.json'), 'utf8'))
  } catch (error) {
    return { findings: [finding(`is not valid JSON: ${errorMessage(error)}`)] }
  }
  const read = packFileSchema.safeParse(json)
  if (!read.success) {
    return { findings: read.error.issues.map(({ path, message }) => finding(`${path.join('.')}: ${message}`)) }
  }
  const file = read.data
  const problem = declarationProblem(file.parameters)
  const known = Object.keys(packFileSchema.shape)
  const folder = basename(resolve(directory))
  return {
    file,
    findings: [
      ...(problem === undefined ? [] : [finding(problem)]),
      ...Object.keys(json as object)
        .filter((key) => !known.includes(key))
        .map((key) => finding(`${JSON.stringify(key)} is not known and is ignored`, 'warning')),
      ...(folder === file.name
        ? []
        : [finding(`the folder must be called "${file.name}" below packs_path`, 'warning')]),
    ],
  }
}

function missingStages(files: readonly string[], form: 1 | 2, pack: PackFile | undefined): Finding[] {
  const has = (stage: string) => files.includes(stage) || files.includes(`${stage}.sh`)
  const needed: readonly string[] =
    form === 1
      ? [...backupStages, ...publishedRestoreStages]
      : [...new Set(['backup', 'restore', ...(pack?.stages ?? [])])]
  const missing = needed
    .filter((stage) => !has(stage))
    .map(
      (stage): Finding => ({ severity: 'error', file: `${stage}.sh`, message: 'is missing: the stage needs a script' }),
    )
  const locks = [
    ['pre-backup-lock', 'post-backup-unlock'],
    ['pre-restore-lock', 'post-restore-unlock'],
  ] as const
  for (const [lock, unlock] of locks) {
    if (!has(lock) || has(unlock) || needed.includes(unlock)) continue
    missing.push({
      severity: 'error',
      file: `${unlock}.sh`,
      message: `is missing, but there is ${lock}: nothing undoes the lock`,
    })
  }
  const both = stages.filter((stage) => files.includes(stage) && files.includes(`${stage}.sh`))
  const doubled = both.map(
    (stage): Finding => ({ severity: 'warning', file: `${stage}.sh`, message: `never runs: ${stage} comes first` }),
  )
  const optional = form === 2 && !has(LIST_STAGE)
  const hint: Finding = {
    severity: 'warning',
    file: LIST_STAGE,
    message: 'is missing: plans for it cannot use patterns',
  }
  return [...missing, ...doubled, ...(optional ? [hint] : [])]
}

/** Options of the shell without which a failure passes unnoticed. Scripts of form 2 run with pipefail. */
function optionProblems(file: string, text: string, form: 1 | 2): Finding[] {
  const isStage = stages.some((stage) => file === stage || file === `${stage}.sh`)
  if (!isStage) return []
  const options = [...text.matchAll(/^\s*set\s+(.*)$/gm)].map(([, rest = '']) => rest).join(' ')
  const findings: Finding[] = []
  if (/\+o\s+pipefail/.test(options)) {
    findings.push({
      severity: 'error',
      file,
      message: 'switches pipefail off: a dump whose program failed would be stored',
    })
  } else if (form === 1 && hasPipeline(text) && !/o\s+pipefail/.test(options)) {
    findings.push({
      severity: 'error',
      file,
      message: 'has a pipeline without "set -o pipefail": only its last command can fail',
    })
  }
  if (!/(^|\s)-[a-z]*e|o\s+errexit/.test(options)) {
    findings.push({
      severity: 'warning',
      file,
      message: 'runs without "set -e": it continues after a command that failed',
    })
  }
  return findings
}

async function syntaxProblems(directory: string, file: string, signal: AbortSignal): Promise<Finding[]> {
  try {
    await run('bash', ['-n', join(directory, file)], { signal, timeout: PROGRAM_TIMEOUT_MS })
    return []
  } catch (error) {
    signal.throwIfAborted()
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : errorMessage(error)
    const [, line, message = stderr.trim()] = /line (\d+): (.*)/.exec(stderr) ?? []
    return [{ severity: 'error', file, ...(line === undefined ? {} : { line: Number(line) }), message }]
  }
}

const commentsSchema = z.array(
  z.object({ file: z.string(), line: z.number(), level: z.string(), code: z.number(), message: z.string() }),
)

/** What shellcheck says; undefined if it is not installed. */
async function askShellcheck(
  directory: string,
  scripts: readonly string[],
  signal: AbortSignal,
): Promise<Finding[] | undefined> {
  if (scripts.length === 0) return []
  const options = ['--shell=bash', '--severity=warning', '--format=json', `--exclude=${EXCLUDED}`, '--']
  try {
    const paths = scripts.map((file) => join(directory, file))
    await run('shellcheck', [...options, ...paths], {
      signal,
      timeout: PROGRAM_TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
    })
    return []
  } catch (error) {
    signal.throwIfAborted()
    if (errorCode(error) === 'ENOENT') return undefined
    // It exits with 1 if it has anything to say.
    const said = error instanceof Error && 'stdout' in error ? String(error.stdout) : ''
    if (!said.startsWith('[')) throw error
    return commentsSchema.parse(JSON.parse(said)).map(({ file, line, level, code, message }) => ({
      severity: level === 'error' ? 'error' : 'warning',
      file: relative(directory, file),
      line,
      message: `${message} (SC${code})`,
    }))
  }
}
