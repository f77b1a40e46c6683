import { ageKeys, isAgeRecipientList } from '@osb-backup/core'
import { absolutePath, flag, httpUrl, listOf, oneOf, text, wholeNumber } from '@osb-backup/node'
import { s3CredentialSources } from '@osb-backup/protocol/v1/stores'

/** How dumps are moved to and from the stores. */
export const transferTable = {
  file_destination_root: {
    schema: absolutePath,
    description: 'directory that destinations of type FILE must be in; they are rejected while it is not set',
  },
  private_destinations: {
    schema: oneOf(['allow', 'forbid']),
    default: 'allow',
    description: 'whether S3 and Swift may be in private networks and on this machine: allow or forbid',
  },
  default_s3_endpoint: {
    schema: text,
    defaultText: 'AWS',
    description: 'endpoint of S3 destinations whose request names none: a URL or host:port',
  },
  skip_storage: {
    schema: flag,
    default: 'false',
    description:
      'whether the scripts of form 1 move dumps to the store and back themselves, and the agent transfers nothing',
  },
  ambient_credentials: {
    schema: listOf(
      oneOf(s3CredentialSources),
      `must be of ${s3CredentialSources.join(', ')}, with commas between them`,
    ),
    description:
      'where S3 destinations may have the agent take credentials of its own from: environment, instanceProfile, webIdentity, ' +
      'separated by commas',
  },
  store_ca_file: {
    schema: absolutePath,
    description: 'PEM file of CAs that S3 and Swift may be signed by, in addition to those of the system',
  },
  store_outage_seconds: {
    schema: wholeNumber(0, 86_400),
    default: '300',
    description:
      'seconds that a store may be unavailable before a transfer fails; until then its calls are retried, and scripts wait',
  },
  store_timeout_seconds: {
    schema: wholeNumber(1, 3600),
    default: '120',
    description: 'seconds without any byte from a store after which a call counts as failed, and is retried',
  },
  bandwidth_limit_kib_per_second: {
    schema: wholeNumber(1, 1_000_000_000),
    defaultText: 'unlimited',
    description: 'bandwidth in KiB/s of all uploads and downloads together',
  },
  s3_maximum_parts: {
    schema: wholeNumber(1000, 10_000),
    defaultText: '10000',
    description: 'maximum number of parts of an upload to S3; some vendors accept only 1000',
  },
  compression_algorithm: {
    schema: oneOf(['zstd', 'gzip']),
    default: 'zstd',
    description: 'compression where a request asks for it without naming an algorithm: zstd or gzip',
  },
  compression_level: {
    schema: wholeNumber(1, 19),
    defaultText: '3 for zstd, 6 for gzip',
    description: 'compression level: 1 to 19 for zstd, 1 to 9 for gzip',
  },
  recovery_recipients: {
    schema: text
      .refine(isAgeRecipientList, 'must be age recipients (age1…) with commas between them')
      .transform(ageKeys),
    description:
      'age recipients, separated by commas, that can decrypt every encrypted backup in addition to those of its plan',
  },
  transform_files: {
    schema: flag,
    default: 'false',
    description:
      'whether the agent also compresses and encrypts the files of form 1 scripts, which are then asked not to',
  },
  write_manifests: {
    schema: flag,
    default: 'true',
    description: 'whether each stored object gets a file <name>.manifest.json beside it that describes it',
  },
  HTTPS_PROXY: {
    schema: httpUrl,
    aliases: ['https_proxy'],
    description: 'URL of the proxy for S3 and Swift at https URLs',
  },
  HTTP_PROXY: {
    schema: httpUrl,
    aliases: ['http_proxy'],
    description: 'URL of the proxy for S3 and Swift at http URLs',
  },
  NO_PROXY: {
    schema: text,
    aliases: ['no_proxy'],
    description: 'hosts that are reached without a proxy, separated by commas: s3.internal,.example.org',
  },
} as const
