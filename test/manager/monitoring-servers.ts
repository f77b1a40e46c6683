import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '@osb-backup/testkit'
import { vi } from 'vitest'

/** A server of Debian's packages that runs until it is disposed of. */
export interface MonitoringServer extends AsyncDisposable {
  url: string
}

/** Starts Prometheus, which scrapes managers every second and evaluates the alert rules of this repository. */
export async function startPrometheus(
  folder: string,
  { managers, token }: { managers: readonly string[]; token: string },
): Promise<MonitoringServer> {
  const data = join(folder, 'prometheus')
  await mkdir(data, { recursive: true })
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s', external_labels: { runbooks: 'https://example.org' } },
    rule_files: [join(import.meta.dirname, '../../deploy/prometheus/alerts.yml')],
    scrape_configs: [
      {
        job_name: 'osb-backup-manager',
        authorization: { credentials: token },
        static_configs: [{ targets: managers.map((url) => new URL(url).host) }],
      },
    ],
  }
  // JSON is YAML.
  await writeFile(join(data, 'prometheus.yml'), JSON.stringify(config))
  const port = await freePort()
  const args = [
    `--config.file=${join(data, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(data, 'tsdb')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]
  return started(spawn('prometheus', args, { stdio: 'ignore' }), `http://127.0.0.1:${port}`)
}

/** Starts Alertmanager, which notifies nobody. */
export async function startAlertmanager(folder: string): Promise<MonitoringServer> {
  const data = join(folder, 'alertmanager')
  await mkdir(data, { recursive: true })
  const config = { route: { receiver: 'nobody' }, receivers: [{ name: 'nobody' }] }
  await writeFile(join(data, 'alertmanager.yml'), JSON.stringify(config))
  const port = await freePort()
  const args = [
    `--config.file=${join(data, 'alertmanager.yml')}`,
    `--storage.path=${join(data, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ]
  return started(spawn('prometheus-alertmanager', args, { stdio: 'ignore' }), `http://127.0.0.1:${port}`)
}

async function started(child: ChildProcess, url: string): Promise<MonitoringServer> {
  const ended = once(child, 'exit')
  const isReady = () =>
    fetch(`${url}/-/ready`).then(
      (answer) => answer.ok,
      () => false,
    )
  await vi.waitUntil(isReady, { timeout: 120_000, interval: 100 })
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Runs a program, with a text as its input. Returns its exit code and what it printed. */
export async function runWith(
  input: string,
  program: string,
  ...args: string[]
): Promise<{ code: number; output: string }> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code, output: Buffer.concat(output).toString() }
}
