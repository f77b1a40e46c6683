import type {
  Policy,
  PolicyAssignment,
  PolicyAssignmentQuery,
  PolicyChangePreview,
  PolicyCreate,
  PolicyExemption,
  PolicyExemptionCreate,
  PolicyExemptionPatch,
  PolicyExemptionQuery,
  PolicyPatch,
  PolicyPreview,
  PolicyQuery,
  PolicyRemoval,
} from '@osb-backup/protocol/v1'
import type { CallOptions, Connection, CreateOptions, EditOptions } from '../connection.ts'
import { deleteCall, editCalls, listCalls, noContent, pathOf } from './resource.ts'

const path = '/v1/policies'

const load = () => import('@osb-backup/protocol/v1/policies')
const policySchema = async () => (await load()).policySchema
const policyPreviewSchema = async () => (await load()).policyPreviewSchema
const policyAssignmentSchema = async () => (await load()).policyAssignmentSchema
const policyExemptionSchema = async () => (await load()).policyExemptionSchema

/** Calls about policies. */
export const policyCalls = (connection: Connection) => ({
  ...listCalls<Policy, PolicyQuery>(connection, path, policySchema),
  ...editCalls<Policy, PolicyPatch>(connection, path, policySchema),
  create: (policy: PolicyCreate, options: CreateOptions = {}): Promise<Policy> =>
    connection.call({ method: 'POST', path, body: policy, answer: policySchema, ...options }),
  /** What a new policy would do. Nothing is stored or deleted. */
  preview: (policy: PolicyCreate, options: CallOptions = {}): Promise<PolicyPreview> =>
    connection.call({ method: 'POST', path: `${path}/preview`, body: policy, answer: policyPreviewSchema, ...options }),
  /** The same for a change of a policy, or its removal. */
  previewChange: (id: string, request: PolicyChangePreview, options: CallOptions = {}): Promise<PolicyPreview> =>
    connection.call({
      method: 'POST',
      path: pathOf(path, id, 'preview'),
      body: request,
      answer: policyPreviewSchema,
      ...options,
    }),
  /** Deletes a policy. Restore points are kept in every case, and its plans unless asked for. */
  delete: (id: string, { plans, ...options }: EditOptions & { plans?: PolicyRemoval } = {}): Promise<void> =>
    connection.call({ method: 'DELETE', path: pathOf(path, id), query: { plans }, answer: noContent, ...options }),
})

/** Calls about what service instances follow. */
export const policyAssignmentCalls = (connection: Connection) =>
  listCalls<PolicyAssignment, PolicyAssignmentQuery>(connection, '/v1/policy-assignments', policyAssignmentSchema)

const exemptions = '/v1/policy-exemptions'

/** Calls about service instances that are unprotected on purpose. */
export const policyExemptionCalls = (connection: Connection) => ({
  ...listCalls<PolicyExemption, PolicyExemptionQuery>(connection, exemptions, policyExemptionSchema),
  ...editCalls<PolicyExemption, PolicyExemptionPatch>(connection, exemptions, policyExemptionSchema),
  create: (exemption: PolicyExemptionCreate, options: CreateOptions = {}): Promise<PolicyExemption> =>
    connection.call({ method: 'POST', path: exemptions, body: exemption, answer: policyExemptionSchema, ...options }),
  /** Ends an exemption: policies apply and alarms are raised again. */
  delete: deleteCall(connection, exemptions),
})
