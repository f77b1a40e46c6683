import fc from 'fast-check'
import { expect, test } from 'vitest'
import { choosePolicy, isSelected, type PolicySelector, type RankedPolicy, selectorFields } from './policy-selection.ts'

const instance = {
  id: 'shop-db',
  serviceId: 'postgresql',
  servicePlanId: 'large',
  organizationGuid: 'org',
  spaceGuid: undefined,
  label: 'shop',
}

const matching: PolicySelector = {
  instances: ['other', 'shop-*'],
  services: ['postgresql'],
  servicePlans: ['l*'],
  organizations: ['org'],
  labels: ['*'],
}

test('an instance has to match an entry of every list', () => {
  expect(isSelected(instance, matching)).toBe(true)
  for (const field of selectorFields) {
    expect(isSelected(instance, { ...matching, [field]: ['nothing like it'] })).toBe(false)
    expect(isSelected(instance, { ...matching, [field]: [] })).toBe(false)
  }
})

test('what an instance does not say matches nothing, not even everything', () => {
  expect(isSelected(instance, { spaces: ['*'] })).toBe(false)
  expect(isSelected({ ...instance, spaceGuid: '' }, { spaces: ['*'] })).toBe(true)
})

test('a selector without lists selects nothing', () => {
  expect(isSelected(instance, {})).toBe(false)
  expect(isSelected(instance, { instances: undefined })).toBe(false)
})

test('no character but * is special', () => {
  expect(isSelected({ ...instance, id: 'shopXdb' }, { instances: ['shop.db'] })).toBe(false)
  expect(isSelected({ ...instance, id: 'a%_[b]' }, { instances: ['a%_[b]'] })).toBe(true)
  expect(isSelected(instance, { instances: ['*db*'] })).toBe(true)
  expect(isSelected(instance, { instances: ['SHOP-*'] })).toBe(false)
})

const policy = fc.record<RankedPolicy>({
  id: fc.string({ minLength: 1, maxLength: 3 }),
  priority: fc.integer({ min: 0, max: 3 }),
  createdAt: fc.integer({ min: 0, max: 3 }).map((days) => new Date(days * 86_400_000)),
  selector: fc.constantFrom<PolicySelector>(matching, { instances: ['nothing'] }, { labels: ['shop'] }),
  hasTemplate: fc.boolean(),
})
const policies = fc.uniqueArray(policy, { selector: ({ id }) => id, maxLength: 8 })

test('the policy with the largest priority wins, of equal ones the oldest, in whatever order they are listed', () => {
  fc.assert(
    fc.property(policies, (each) => {
      const chosen = choosePolicy(each, instance)
      const candidates = each.filter(({ hasTemplate, selector }) => hasTemplate && isSelected(instance, selector))
      expect(chosen === undefined).toBe(candidates.length === 0)
      expect(choosePolicy(each.toReversed(), instance)).toBe(chosen)
      for (const other of candidates) {
        if (other === chosen || chosen === undefined) continue
        expect(other.priority).toBeLessThanOrEqual(chosen.priority)
        if (other.priority === chosen.priority) expect(chosen.createdAt <= other.createdAt).toBe(true)
      }
    }),
  )
})

test('a policy that is added takes an instance from another one only by a larger priority', () => {
  fc.assert(
    fc.property(policies, policy, (each, added) => {
      const before = choosePolicy(each, instance)
      const young = { ...added, id: 'added', createdAt: new Date(9 * 86_400_000) }
      const after = choosePolicy([...each, young], instance)
      if (before !== undefined && young.priority <= before.priority) expect(after).toBe(before)
    }),
  )
})
