import type { ObjectStore } from '@osb-backup/storage'
import { expect, test } from 'vitest'
import { generated } from '../generated.ts'
import { collected, MEBIBYTE, type Suite } from './suite.ts'

/** The codes that a store fails with. */
export function testErrors(suite: Suite): void {
  test('says that a bucket, container or directory is missing', async () => {
    const missing = suite.tested.openMissing()
    await expectCode(missing, 'absent')
    await expect(missing.put('x', generated(40 * MEBIBYTE))).rejects.toMatchObject({ code: 'absent' })
  })

  test.runIf(suite.tested.openWithWrongCredentials)('says that credentials are wrong', async () => {
    const denied = suite.tested.openWithWrongCredentials?.() as ObjectStore
    await expectCode(denied, 'denied')
    await expect(denied.put('x', generated(40 * MEBIBYTE))).rejects.toMatchObject({ code: 'denied' })
  })

  test.runIf(suite.tested.openUnreachable)('says that a server which does not answer may do so later', async () => {
    await expectCode(suite.tested.openUnreachable?.() as ObjectStore, 'temporary')
  })

  async function expectCode(failing: ObjectStore, code: string): Promise<void> {
    const content = generated(10)
    await expect(failing.put('x', content)).rejects.toMatchObject({ name: 'StoreError', code })
    expect(content.destroyed).toBe(true)
    await expect(failing.get('x')).rejects.toMatchObject({ name: 'StoreError', code })
    await expect(failing.head('x')).rejects.toMatchObject({ name: 'StoreError', code })
    await expect(failing.remove('x')).rejects.toMatchObject({ name: 'StoreError', code })
    await expect(collected(failing.list(''))).rejects.toMatchObject({ name: 'StoreError', code })
  }
}
