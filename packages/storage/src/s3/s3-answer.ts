import { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import { MAX_ERROR_BYTES, readBody } from '../bounded-body.ts'

/** Largest answer that is not an object: a page of 1,000 names takes less than 2 MB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/** A successful answer that S3 does not give: something else answers at the endpoint, such as a login page. */
class NotS3Answer extends Error {
  override readonly name = 'NotS3Answer'
}

/** What the SDK's middleware sees of an answer. */
interface SeenAnswer {
  status: number | undefined
  headers: Readonly<Record<string, string | undefined>>
  output: Readonly<Record<string, unknown>>
}

/** What only S3 answers to each command: the SDK itself takes any answer with a status of 200 for a success. */
const isPlausible: Record<string, (answer: SeenAnswer) => boolean> = {
  HeadObjectCommand: hasObjectHeaders,
  GetObjectCommand: hasObjectHeaders,
  PutObjectCommand: ({ output }) => Boolean(output.ETag),
  UploadPartCommand: ({ output }) => Boolean(output.ETag),
  CreateMultipartUploadCommand: ({ output }) => Boolean(output.UploadId),
  // Some versions of Ceph leave the ETag empty.
  CompleteMultipartUploadCommand: ({ output }) => Boolean(output.ETag || output.Key || output.Location),
  ListObjectsV2Command: ({ output }) => output.Name !== undefined,
  ListObjectsCommand: ({ output }) => output.Name !== undefined,
  ListObjectVersionsCommand: ({ output }) => output.Name !== undefined,
  ListMultipartUploadsCommand: ({ output }) => output.Bucket !== undefined,
  ListPartsCommand: ({ output }) => output.UploadId !== undefined,
  DeleteObjectCommand: isDeletion,
  AbortMultipartUploadCommand: isDeletion,
}

function hasObjectHeaders({ headers }: SeenAnswer): boolean {
  return Boolean(headers.etag && headers['last-modified'])
}

/** The status is 204; servers that answer otherwise prove with an id of the request that they are S3. */
function isDeletion({ status, headers }: SeenAnswer): boolean {
  return status === 204 || headers['x-amz-request-id'] !== undefined
}

function isFromS3(command: string | undefined, answer: SeenAnswer): boolean {
  const isPage = isHtmlType(answer.headers['content-type']) && answer.headers['x-amz-request-id'] === undefined
  return !isPage && (isPlausible[command ?? '']?.(answer) ?? true)
}

const isHtmlType = (contentType: string | undefined): boolean =>
  /^(text\/html|application\/xhtml)/i.test(contentType ?? '')

/** Makes a client reject answers that S3 does not give. */
export function rejectForeignAnswers(client: S3Client): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next(args).catch((error: unknown) => {
          throw isForeignText(error) ? new NotS3Answer('The answer is not XML', { cause: error }) : error
        })
        const { statusCode, headers = {} } = (result.response ?? {}) as {
          statusCode?: number
          headers?: Record<string, string | undefined>
        }
        const output = result.output as unknown as Record<string, unknown>
        if (isFromS3(commandName, { status: statusCode, headers, output })) return result
        const { Body } = output as { Body?: { destroy?: () => void } }
        Body?.destroy?.()
        throw new NotS3Answer(`The answer to ${commandName} is not one of S3`)
      },
    { step: 'initialize', priority: 'low', name: 'rejectForeignAnswers' },
  )
}

/** Whether the SDK could not parse an answer with a status of success since that is a page. */
function isForeignText(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { $responseBodyText: text, $metadata } = error as {
    $responseBodyText?: unknown
    $metadata?: { httpStatusCode?: number }
  }
  const isSuccess = ($metadata?.httpStatusCode ?? 500) < 300
  return isSuccess && typeof text === 'string' && !/^\s*(<\?xml|<[A-Z])/.test(text)
}

/**
 * Makes a client read no more of an answer than S3 sends. The SDK itself collects everything that is not the content of an object
 * in memory. A failure whose explanation is too long counts by its status alone.
 */
export function limitAnswers(client: S3Client): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next(args)
        const response = result.response as { statusCode: number; body?: unknown }
        const isFailure = response.statusCode >= 300
        if (!(response.body instanceof Readable) || (commandName === 'GetObjectCommand' && !isFailure)) return result
        const body = await readBody(response.body, { maximumBytes: isFailure ? MAX_ERROR_BYTES : MAX_ANSWER_BYTES })
        if (body === undefined && !isFailure) throw new NotS3Answer(`The answer to ${commandName} is too large`)
        response.body = Readable.from(body === undefined || body.length === 0 ? [] : [body])
        return result
      },
    { step: 'deserialize', priority: 'low', name: 'limitAnswers' },
  )
}
