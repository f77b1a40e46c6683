import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Shorter than any licence: a README that only names it. */
const SHORTEST_TEXT = 200

/**
 * The text of the licence of a package: its own file, the section of its README, or the standard text where it contains neither.
 *
 * @param license - As its package.json names it.
 * @param holder - Whom its package.json names as the author.
 * @throws {Error} If there is no text.
 */
export async function licenseTextOf(folder: string, license: string, holder: string | undefined): Promise<string> {
  const texts: string[] = []
  const names = await Array.fromAsync(glob('{LICEN[CS]E,licen[cs]e,COPYING,NOTICE}*', { cwd: folder }))
  for (const name of names.sort()) texts.push((await readFile(join(folder, name), 'utf8')).trim())
  if (texts.length > 0) return texts.join('\n\n')
  // The project has this licence, too: its text is shipped beside this one.
  if (license === 'Apache-2.0') return 'The text of this licence is in the file LICENSE.'
  const section = await sectionOfReadme(folder)
  if (section !== undefined) return section
  if (license === 'MIT' && holder !== undefined) return mitText(holder)
  throw new Error(`${folder} contains no text of its licence (${license})`)
}

async function sectionOfReadme(folder: string): Promise<string | undefined> {
  const readme = await readFile(join(folder, 'README.md'), 'utf8').catch(() => '')
  const text = /^#+ *licen[cs]e *$([\s\S]*?)(?=^#|(?![\s\S]))/im.exec(readme)?.[1]?.trim()
  return text !== undefined && text.length >= SHORTEST_TEXT ? text : undefined
}

const mitText = (holder: string): string => `The MIT License (MIT)

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR
ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH
THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`
