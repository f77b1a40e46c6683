import type { S3ClientConfig } from '@aws-sdk/client-s3'
import { fromEnv } from '@aws-sdk/credential-provider-env'
import { fromTokenFile } from '@aws-sdk/credential-provider-web-identity'
import { fromContainerMetadata, fromInstanceMetadata } from '@smithy/credential-provider-imds'
import { StoreError } from '../store-error.ts'
import type { StoreOptions } from '../store-options.ts'
import type { S3Settings } from './s3-settings.ts'

const METADATA_TIMEOUT_MS = 5000

/**
 * The credentials of the settings; or those that the program itself finds where the settings say, which its operator has to
 * allow: anyone who may create destinations could otherwise read and write with the rights of the machine.
 *
 * @throws {StoreError} With code `denied` if the operator does not allow it.
 */
export function credentialsOf(
  settings: S3Settings,
  { credentialSources = [] }: Pick<StoreOptions, 'credentialSources'>,
): NonNullable<S3ClientConfig['credentials']> {
  const { accessKeyId, secretAccessKey, sessionToken, credentialsFrom } = settings
  if (credentialsFrom === undefined) {
    return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
  }
  if (!credentialSources.includes(credentialsFrom)) {
    throw new StoreError(
      'denied',
      `The operator does not allow S3 credentials from "${credentialsFrom}": allow it in the setting for ambient credentials, ` +
        'or store an access key with the destination.',
    )
  }
  switch (credentialsFrom) {
    case 'environment':
      return fromEnv()
    case 'webIdentity':
      return fromTokenFile()
    case 'instanceProfile': {
      const limits = { timeout: METADATA_TIMEOUT_MS, maxRetries: 2 }
      return hasContainerCredentials() ? fromContainerMetadata(limits) : fromInstanceMetadata(limits)
    }
  }
}

/** In a container of AWS the role is the container's, and the machine's cannot be asked for. */
function hasContainerCredentials(): boolean {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI } = process.env
  return Boolean(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI || AWS_CONTAINER_CREDENTIALS_FULL_URI)
}
