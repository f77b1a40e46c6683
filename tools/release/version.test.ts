import { expect, test } from 'vitest'
import { releasedChangelog } from './version.ts'

test('what is unreleased, and what the changesets say, become the section of the version', () => {
  const before = '# Changelog\n\n## Unreleased\n\n- One\n  more.\n\n## 0.1.0 (2030-01-01)\n\n- First.\n'
  expect(releasedChangelog(before, '0.2.0', '2030-12-31', ['Two\nlines.', 'Three.'])).toBe(
    '# Changelog\n\n## Unreleased\n\n## 0.2.0 (2030-12-31)\n\n- One\n  more.\n- Two\n  lines.\n- Three.\n\n## 0.1.0 (2030-01-01)\n\n- First.\n',
  )
})

test('a first release has no section after it, and an empty one is possible', () => {
  expect(releasedChangelog('# Changelog\n\n## Unreleased\n', '0.1.0', '2030-01-01', ['One.'])).toBe(
    '# Changelog\n\n## Unreleased\n\n## 0.1.0 (2030-01-01)\n\n- One.\n',
  )
  expect(() => releasedChangelog('# Changelog\n', '0.1.0', '2030-01-01', [])).toThrow('Unreleased')
})
