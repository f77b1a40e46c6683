import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { waitForOutput } from '../../packages/testkit/src/process.ts'

/** How a program runs in another root file system. */
export interface RootOptions {
  /** `uid:gid`. */
  account?: string
  /** Further groups of the account, as numbers. */
  groups?: readonly number[]
  env?: Record<string, string>
  /** Whether nothing can be written but to what is mounted. */
  isReadOnly?: boolean
  /** Directories of this machine, by where they are mounted; those exist. */
  mounts?: Readonly<Record<string, string>>
}

/** A program in another root file system. */
export interface ProgramInRoot extends AsyncDisposable {
  output(): string
  ended(): Promise<number | null>
  /** Waits until it has printed something. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>
}

const START_TIMEOUT_MS = 180_000

/** Mounts are private to the processes, and end with them. */
const script = `set -eu
root=$1 account=$2 read_only=$3 mounts=$4; shift 4
mount --bind "$root" "$root"
if [ "$read_only" = true ]; then mount -o remount,bind,ro "$root"; fi
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
while [ "$mounts" -gt 0 ]; do mount --bind "$2" "$root$1"; shift 2; mounts=$((mounts - 1)); done
exec chroot $account "$root" "$@"`

/** Starts a program with another root file system, in this machine's network. Root alone may do that. */
export function startInRoot(root: string, command: readonly string[], options: RootOptions = {}): ProgramInRoot {
  const { account, groups = [], env = {}, isReadOnly = false, mounts = {} } = options
  const own = account === undefined ? '' : `--userspec=${account}`
  const userspec = `${own} --groups=${groups.join(',')}`
  const mounted = Object.entries(mounts)
  const args = [root, userspec, String(isReadOnly), String(mounted.length), ...mounted.flat(), ...command]
  const namespaces = ['--mount', '--pid', '--fork']
  const child = spawn('unshare', [...namespaces, 'sh', '-c', script, 'sh', ...args], {
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/tmp', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const program = { output: () => output, ended: () => ended }
  return {
    ...program,
    waitFor: (pattern) => waitForOutput(program, pattern, START_TIMEOUT_MS),
    async [Symbol.asyncDispose]() {
      // The first process of the namespace, with which all others end. It has another account now, so that unshare does not end it.
      const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').catch(() => '')
      const [first = ''] = children.trim().split(' ')
      if (first === '') child.kill('SIGKILL')
      else process.kill(Number(first), 'SIGKILL')
      await ended
    },
  }
}

/** Runs a program with another root file system to its end. */
export async function runInRoot(
  root: string,
  command: readonly string[],
  options: RootOptions = {},
): Promise<{ code: number | null; output: string }> {
  await using program = startInRoot(root, command, options)
  const code = await program.ended()
  return { code, output: program.output() }
}
