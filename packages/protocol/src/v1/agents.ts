import { z } from 'zod'
import { reportedPackSchema } from '../pack.ts'
import { plainHttpUrl } from '../plain-http-url.ts'
import { mergePatchSchema } from './merge-patch.ts'
import {
  about,
  EXAMPLE_ID,
  EXAMPLE_INSTANT,
  idSchema,
  instantSchema,
  labelField,
  pagingFields,
  searchField,
} from './schema.ts'

const nameField = z.string().min(1).max(200).optional().meta(about('A name for people', 'db-cluster-1'))
const urlField = plainHttpUrl.meta(about('Where the agent listens', 'http://10.0.0.5:8000'))
const usernameField = z.string().min(1).max(255).meta(about('The user that the agent was started with', 'backup'))

/** `POST /v1/agents`; a PATCH changes the same fields. */
export const agentCreateSchema = z.strictObject({
  name: nameField,
  label: labelField,
  url: urlField,
  username: usernameField,
  password: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .meta(about('The password that the agent was started with. Write-only; required when the URL changes', 'secret')),
})
export type AgentCreate = z.infer<typeof agentCreateSchema>

/** `PATCH /v1/agents/{id}`. */
export const agentPatchSchema = mergePatchSchema(agentCreateSchema)
export type AgentPatch = z.infer<typeof agentPatchSchema>

export const agentStates = ['reachable', 'unreachable', 'unknown'] as const
export type AgentState = (typeof agentStates)[number]

/** An agent in an answer. */
export const agentSchema = z.object({
  id: idSchema.meta(about('Id of the agent', EXAMPLE_ID)),
  name: nameField,
  label: labelField,
  url: urlField,
  username: usernameField,
  passwordSet: z.boolean().meta(about('Whether a password is stored', true)),
  instanceCount: z.int().meta(about('Number of service instances that use it', 3)),
  state: z.enum(agentStates).meta(about('What the last check found; `unknown` before the first one', 'reachable')),
  error: z
    .string()
    .optional()
    .meta(about('Why it is unreachable', 'The agent does not answer: connect ECONNREFUSED 10.0.0.5:8000.')),
  startProblem: z
    .string()
    .optional()
    .meta(
      about(
        'What the agent reports to be wrong with its settings: it accepts no new jobs until that is corrected',
        'scripts_path cannot be read: EACCES.',
      ),
    ),
  version: z.string().optional().meta(about('The version that the agent reported', '0.1.0')),
  capabilities: z.array(z.string()).meta(about('Capabilities that the agent reported', ['zstd', 'age'])),
  packs: z
    .array(reportedPackSchema)
    .meta({ description: 'The script packs that the agent reported, with their parameters' }),
  clockSkewSeconds: z
    .int()
    .optional()
    .meta(about("How far its clock is ahead of PostgreSQL's; absent while that is no more than is allowed", -95)),
  disks: z
    .array(
      z.object({
        directory: z.string().meta(about('The setting of the agent that names a directory on it', 'directory_backup')),
        freeBytes: z.number().meta(about('What can still be written', 42_000_000_000)),
        sizeBytes: z.number().meta(about('Its size, without what is reserved for root', 100_000_000_000)),
      }),
    )
    .meta({ description: 'The file systems that the agent reported' }),
  lastSeenAt: instantSchema.optional().meta(about('When it last answered', EXAMPLE_INSTANT)),
  lastCheckedAt: instantSchema.optional().meta(about('When it was last checked', EXAMPLE_INSTANT)),
  certificateExpiresAt: instantSchema
    .optional()
    .meta(about('When the certificate that it presents expires; absent if it was not enrolled', EXAMPLE_INSTANT)),
  createdAt: instantSchema.meta(about('When it was registered', EXAMPLE_INSTANT)),
})
export type Agent = z.infer<typeof agentSchema>

/** `GET /v1/agents`. */
export const agentQuerySchema = z.strictObject({
  ...pagingFields,
  state: z.enum(agentStates).optional().meta(about('Only agents in this state', 'unreachable')),
  q: searchField('the name or the URL'),
})
export type AgentQuery = z.input<typeof agentQuerySchema>

const agentIdField = idSchema.meta(about('Id of the agent', EXAMPLE_ID))
const certificateRequestField = z
  .string()
  .min(1)
  .max(8000)
  .meta(
    about(
      'Certificate signing request (PKCS #10) in PEM, for an ECDSA key on P-256; its names do not count',
      '-----BEGIN CERTIFICATE REQUEST-----\n…',
    ),
  )
const EXAMPLE_CERTIFICATE = '-----BEGIN CERTIFICATE-----\n…'

/** Answer to `POST /v1/agents/{id}/enrolment`. */
export const enrolmentSchema = z.object({
  agentId: agentIdField,
  token: z
    .string()
    .meta(about('The token that the agent enrols with. Works once; shown only once', 'osbe_mU3bq0cZc7…')),
  expiresAt: instantSchema.meta(about('When the token expires', EXAMPLE_INSTANT)),
  caFingerprint: z
    .string()
    .meta(about('SHA-256 of the certificate of the CA, by which the agent recognizes the manager', '5E:A1:…')),
})
export type Enrolment = z.infer<typeof enrolmentSchema>

/** `POST /v1/agent-certificates`. */
export const certificateRequestSchema = z.strictObject({
  token: z.string().min(1).max(200).meta(about('The token that was created for the agent', 'osbe_mU3bq0cZc7…')),
  certificateRequest: certificateRequestField,
})
export type CertificateRequest = z.infer<typeof certificateRequestSchema>

/** `POST /v1/agent-certificates/renew`. */
export const certificateRenewalSchema = z.strictObject({
  agentId: agentIdField,
  certificateRequest: certificateRequestField,
  signature: z
    .string()
    .min(1)
    .max(400)
    .meta(
      about(
        'ECDSA signature with SHA-256 in base64, by the key of the current certificate, over the lines ' +
          '`osb-backup certificate renewal`, `agentId` and `certificateRequest`',
        'MEUCIQDx…',
      ),
    ),
})
export type CertificateRenewal = z.infer<typeof certificateRenewalSchema>

/** What is signed to renew a certificate. */
export const renewalText = (agentId: string, certificateRequest: string): string =>
  `osb-backup certificate renewal\n${agentId}\n${certificateRequest}`

/** The certificate of an agent in an answer. */
export const agentCertificateSchema = z.object({
  agentId: agentIdField,
  certificate: z.string().max(20_000).meta(about('The certificate in PEM', EXAMPLE_CERTIFICATE)),
  caCertificate: z.string().max(20_000).meta(about('The certificate of the CA in PEM', EXAMPLE_CERTIFICATE)),
  expiresAt: instantSchema.meta(about('When the certificate expires', EXAMPLE_INSTANT)),
})
export type AgentCertificate = z.infer<typeof agentCertificateSchema>
