import { afterAll, beforeAll, describe, test } from 'vitest'
import { bindingRequirements } from './conformance-bindings.ts'
import { instanceRequirements } from './conformance-instances.ts'
import { requestRequirements } from './conformance-requests.ts'
import { startSetting, stopSetting } from './conformance-setting.ts'

beforeAll(startSetting)
afterAll(stopSetting)

/**
 * One row for each requirement on service brokers of the Open Service Broker API 2.17: the section that states it, the requirement in
 * our words, and a check. What the specification requires of platforms, and of services of other kinds (log drains, routes, volumes), is
 * left out.
 */
const requirements = [...requestRequirements, ...instanceRequirements, ...bindingRequirements]

describe('Open Service Broker API 2.17', () => {
  test.for(requirements)('%s: %s', async ([, , check]) => {
    await check()
  })
})
