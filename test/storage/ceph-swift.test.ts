import { randomUUID } from 'node:crypto'
import { openStore, type SwiftSettings } from '@osb-backup/storage'
import { cephUp } from '../../lab/index.ts'
import { describeObjectStore } from './conformance.ts'
import { SwiftAccount } from './swift-account.ts'

const lab = (await cephUp()).swift
const container = `conformance-${randomUUID()}`
const settings: SwiftSettings = { type: 'swift', ...lab, domain: '', projectName: '', container }
const account = new SwiftAccount(lab)

describeObjectStore('swift of Ceph', {
  prepare: () => account.makeContainer(container),
  open: (options) => openStore(settings, options),
  openMissing: () => openStore({ ...settings, container: `missing-${randomUUID()}` }, { retry: false }),
  openWithWrongCredentials: () => openStore({ ...settings, password: 'wrong' }, { retry: false }),
  openUnreachable: () => openStore({ ...settings, authUrl: 'http://127.0.0.1:1/auth/1.0' }, { retry: false }),
  countOrphans: async () => (await account.list(`${container}_segments`)).length,
  knowsConditions: true,
  boundaries: [4 * 1024 ** 2],
  cleanUp: async () => {
    await account.removeContainer(container)
    await account.removeContainer(`${container}_segments`)
  },
})
