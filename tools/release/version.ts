import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson, repository, run } from '../package/workspace.ts'

const UNRELEASED = '## Unreleased\n'

const releasePlanSchema = z.object({
  changesets: z.array(z.object({ summary: z.string().min(1) })),
  releases: z.array(z.object({ name: z.string(), newVersion: z.string() })),
})

/**
 * Gives all packages the version that the changesets in .changeset/ ask for, and moves what they say, after what is unreleased,
 * to a section of that version in CHANGELOG.md.
 *
 * @param today - The date of the release: `2030-12-31`.
 * @returns The version.
 * @throws {Error} If there is no changeset.
 */
export async function createVersion(today: string): Promise<string> {
  const status = join(repository, 'node_modules/.cache/release-plan.json')
  const changeset = join(repository, 'node_modules/.bin/changeset')
  await run(changeset, ['status', '--output', 'node_modules/.cache/release-plan.json'], { cwd: repository })
  const { changesets, releases } = releasePlanSchema.parse(await readJson(status))
  const version = releases[0]?.newVersion
  if (version === undefined) throw new Error('Nothing to release: add a changeset with "npx changeset".')
  await run(changeset, ['version'], { cwd: repository })
  const path = join(repository, 'package.json')
  const manifest = await readJson<Record<string, unknown>>(path)
  await writeFile(path, `${JSON.stringify({ ...manifest, version }, null, 2)}\n`)
  await run('npm', ['install', '--package-lock-only', '--no-audit', '--no-fund'], { cwd: repository })
  const changelog = join(repository, 'CHANGELOG.md')
  const summaries = changesets.map(({ summary }) => summary.trim())
  await writeFile(changelog, releasedChangelog(await readFile(changelog, 'utf8'), version, today, summaries))
  return version
}

/** The changelog once a version is released: what is unreleased, and the summaries, belong to it. */
export function releasedChangelog(
  changelog: string,
  version: string,
  date: string,
  summaries: readonly string[],
): string {
  const start = changelog.indexOf(UNRELEASED)
  if (start === -1) throw new Error('CHANGELOG.md has no section "Unreleased".')
  const after = changelog.slice(start + UNRELEASED.length)
  const end = after.search(/^## /m)
  const [section, rest] = end === -1 ? [after, ''] : [after.slice(0, end), after.slice(end)]
  const items = summaries.map((summary) => `- ${summary.replaceAll('\n', '\n  ')}`)
  const entries = [section.trim(), ...items].filter(Boolean).join('\n')
  return `${changelog.slice(0, start)}${UNRELEASED}\n## ${version} (${date})\n\n${entries}\n${rest === '' ? '' : `\n${rest}`}`
}
