import { SettingsError, settingsHelp } from '@osb-backup/node'
import { expect, test } from 'vitest'
import { agentSettingsSections } from './agent-settings-table.ts'
import { readSettings } from './read-settings.ts'

const least = {
  client_username: 'u',
  client_password: 'p',
  directory_backup: '/b',
  directory_restore: '/r',
}

const enrolment = {
  enrolment_url: 'https://manager.example',
  enrolment_token: 't',
  enrolment_fingerprint: `AB${':CD'.repeat(31)}`,
}

test('settings that are not set have the published defaults', () => {
  expect(readSettings({ ...least, PATH: '/bin', HOME: '/home/x', LANG: 'de_DE', TMPDIR: '/t' })).toEqual({
    credentials: { username: 'u', password: 'p' },
    host: '0.0.0.0',
    port: 8000,
    backupDirectory: '/b',
    restoreDirectory: '/r',
    scriptsPath: '/var/vcap/jobs/backup-agent/backup',
    mustHaveScripts: false,
    allowedParameters: new Set('*'),
    mayDeleteFiles: false,
    maxJobs: 10,
    reservedRestores: 5,
    stageTimeLimitMs: 86_400_000,
    killGraceMs: 10_000,
    unlockWaitMs: 30_000,
    minFreeDiskBytes: 104_857_600,
    stateDirectory: '/b/.state',
    shutdownGraceMs: 10_000,
    retention: { maxAgeMs: 604_800_000, maxNumber: 1000 },
    plainHttp: 'allow',
    skipStorage: false,
    destinationDefaults: {},
    transfers: {
      privateDestinations: 'allow',
      compressor: { algorithm: 'zstd' },
      recoveryRecipients: [],
      transformsFiles: false,
      writesManifests: true,
      outageMs: 300_000,
      credentialSources: [],
      idleTimeoutMs: 120_000,
      proxy: {},
    },
    logLevel: 'info',
    scriptBase: { PATH: '/bin', HOME: '/home/x', LANG: 'de_DE', TMPDIR: '/t' },
  })
})

test.each([
  [{ client_username: '' }, 'client_username must be set: callers authenticate with it.'],
  [{ client_password: undefined }, 'client_password must be set: callers authenticate with it.'],
  [
    { directory_backup: undefined },
    'directory_backup must be set: directory where backup scripts write their files, in a subdirectory for each job.',
  ],
  [{ directory_restore: 'here' }, 'directory_restore must be an absolute path.'],
  [{ client_port: '80a' }, 'client_port must be a whole number from 0 to 65535.'],
  [{ client_port: '65536' }, 'client_port must be a whole number from 0 to 65535.'],
  [{ max_job_number: '0' }, 'max_job_number must be a whole number from 1 to 1000.'],
  [{ allowed_to_delete_files: 'yes' }, 'allowed_to_delete_files must be true or false.'],
  [{ stage_timeout_seconds: '-1' }, 'stage_timeout_seconds must be a whole number from 1 to 2000000.'],
  [{ file_destination_root: 'x' }, 'file_destination_root must be an absolute path.'],
  [
    { client_username: '', allow_without_credentials: 'true' },
    'client_username must be set: callers authenticate with it.',
  ],
  [{ tls_key_file: '/k' }, 'tls_certificate_file must be set with tls_key_file.'],
  [{ tls_certificate_file: '/c' }, 'tls_key_file must be set with tls_certificate_file.'],
  [{ tls_client_ca_file: '/a' }, 'tls_client_ca_file needs tls_certificate_file and tls_key_file.'],
  [{ tls_key_file: 'k' }, 'tls_key_file must be an absolute path.'],
  [{ enrolment_token: 't' }, 'enrolment_url must be set with the other settings of the enrolment.'],
  [{ enrolment_url: 'https://manager.example' }, 'enrolment_fingerprint must be set with enrolment_url.'],
  [{ ...enrolment, enrolment_url: 'http://manager.example' }, 'enrolment_url must begin with https://.'],
  [
    { ...enrolment, enrolment_fingerprint: 'AB:CD' },
    'enrolment_fingerprint must be 32 pairs of hex digits with colons between them.',
  ],
  [
    { ...enrolment, tls_certificate_file: '/c', tls_key_file: '/k' },
    'enrolment_url and tls_certificate_file exclude each other: set one of them.',
  ],
  [{ state_directory: 'state' }, 'state_directory must be an absolute path.'],
  [{ job_retention_number: '0' }, 'job_retention_number must be a whole number from 1 to 100000.'],
  [{ s3_maximum_parts: '999' }, 's3_maximum_parts must be a whole number from 1000 to 10000.'],
  [{ compression_algorithm: 'gzip', compression_level: '10' }, 'compression_level must be from 1 to 9 for gzip.'],
  [
    { recovery_recipients: 'age1short' },
    'recovery_recipients must be age recipients (age1…) with commas between them.',
  ],
  [{ https_proxy: 'proxy.example' }, 'HTTPS_PROXY must be an http or https URL.'],
  [
    { allowed_parameters: 'PGPORT,LD_PRELOAD' },
    'allowed_parameters must be names of parameters, with commas between them, and none that changes how scripts run.',
  ],
  [{ log_level: 'loud' }, 'log_level must be fatal, error, warn, info, debug, trace or silent.'],
])('%j stops the start with one sentence', (changes, message) => {
  expect(() => readSettings({ ...least, ...changes })).toThrow(new SettingsError(message))
})

test('without credentials an agent starts only where that is allowed', () => {
  const none = { ...least, client_username: '', client_password: '' }
  expect(() => readSettings(none)).toThrow(SettingsError)
  expect(readSettings({ ...none, allow_without_credentials: 'true' })).not.toHaveProperty('credentials')
  expect(readSettings({ ...least, allow_without_credentials: 'true' })).toHaveProperty('credentials')
})

test('the help names every setting', () => {
  for (const name of ['client_username', 'max_job_number', 'file_destination_root']) {
    expect(settingsHelp(agentSettingsSections)).toMatch(new RegExp(`^  ${name} +\\S`, 'm'))
  }
})
