import { copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { VERSION } from '@osb-backup/node'
import { parseDocument } from 'yaml'
import { createStage, repository, run, sourceDate } from './workspace.ts'

/** Writes the chart with the version of the project, as `helm package` would. */
export async function helm(output: string): Promise<string[]> {
  await using stage = await createStage()
  await writeChart(join(stage.path, 'osb-backup-manager'))
  const path = join(output, `osb-backup-manager-${VERSION}.tgz`)
  await archive(path, stage.path, 'osb-backup-manager')
  return [path]
}

/** Puts the chart together in a folder. */
export async function writeChart(folder: string): Promise<void> {
  await cp(join(repository, 'deploy/helm'), folder, { recursive: true })
  await rm(join(folder, 'examples'), { recursive: true })
  await mkdir(join(folder, 'files'))
  await copyFile(join(repository, 'deploy/prometheus/alerts.yml'), join(folder, 'files/alerts.yml'))
  const path = join(folder, 'Chart.yaml')
  const chart = parseDocument(await readFile(path, 'utf8'))
  chart.set('version', VERSION)
  chart.set('appVersion', VERSION)
  await writeFile(path, chart.toString())
}

/** Creates a tar.gz whose bytes depend on the content alone. */
export async function archive(path: string, folder: string, name: string): Promise<void> {
  const reproducible = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${await sourceDate()}`]
  const unsafe = ['--mode=go-w']
  await run('tar', [...reproducible, ...unsafe, '--use-compress-program=gzip -n', '-cf', path, '-C', folder, name])
}
