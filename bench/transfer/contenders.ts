import { dirname, join } from 'node:path'
import type { LabEnv } from '../../lab/index.ts'
import { measure, type Taken } from './measure.ts'

/** Moves the file `$INPUT` of its environment under `$NAME` in `$BUCKET`, or back into `$OUTPUT`. */
export type Way = (environment: Record<string, string>) => Promise<Taken>

/** Ways of moving a file into the lab's store and back, to be compared with each other. */
export interface Contender {
  name: string
  /** Those of a group do the same work. */
  group: 'compressed and encrypted' | 'as it is' | 'other tools'
  /** Bash, to be run before each time. */
  prepare?: string
  store: Way
  restore: Way
}

/** Our pipeline as a command. */
const command = 'node --max-semi-space-size=1 "$PROJECT/packages/cli/src/main.ts" object'
export const ourCommand = {
  store: `${command} put "$NAME.zst.age" --destination "$DESTINATION" --compression zstd --recipient "$RECIPIENT" < "$INPUT"`,
  restore: `${command} get "$NAME.zst.age" --destination "$DESTINATION" --identity-file "$IDENTITY" > "$OUTPUT"`,
}
const aws = 'aws --endpoint-url "$S3_URL" s3 cp --quiet'

/** All that are a line of bash. */
export const shellContenders: readonly Contender[] = [
  inShell({ name: '`osb-backup object`, zstd and age', group: 'compressed and encrypted', ...ourCommand }),
  inShell({
    name: '`zstd -T0`, `age`, `aws s3 cp`',
    group: 'compressed and encrypted',
    store: `zstd -q -T0 < "$INPUT" | age -r "$RECIPIENT" | ${aws} - "s3://$BUCKET/$NAME.zst.age"`,
    restore: `${aws} "s3://$BUCKET/$NAME.zst.age" - | age -d -i "$IDENTITY" | zstd -q -d > "$OUTPUT"`,
  }),
  inShell({
    name: '`osb-backup object`, as it is',
    group: 'as it is',
    store: `${command} put "$NAME" --destination "$DESTINATION" < "$INPUT"`,
    restore: `${command} get "$NAME" --destination "$DESTINATION" > "$OUTPUT"`,
  }),
  inShell({
    name: '`aws s3 cp`',
    group: 'as it is',
    store: `${aws} "$INPUT" "s3://$BUCKET/$NAME"`,
    restore: `${aws} "s3://$BUCKET/$NAME" "$OUTPUT"`,
  }),
  inShell({
    name: '`rclone copyto`',
    group: 'as it is',
    store: 'rclone --config /dev/null copyto "$INPUT" "lab:$BUCKET/$NAME"',
    restore: 'rclone --config /dev/null copyto "lab:$BUCKET/$NAME" "$OUTPUT"',
  }),
  inShell({
    name: '`restic` (compressed, encrypted, deduplicated; Swift)',
    group: 'other tools',
    prepare: 'restic -q init --repository-version 2',
    store: 'restic -q backup "$INPUT"',
    restore: 'restic -q restore latest --target "$OUTPUT.d" && mv "$OUTPUT.d$INPUT" "$OUTPUT"',
  }),
]

function inShell(lines: Omit<Contender, 'store' | 'restore'> & { store: string; restore: string }): Contender {
  return {
    ...lines,
    store: (environment) => measure(lines.store, environment),
    restore: (environment) => measure(lines.restore, environment),
  }
}

/** What the commands need besides input, output and name. */
export function environmentOf(lab: LabEnv, bucket: string, folder: string): Record<string, string> {
  const { endpoint, region, accessKeyId, secretAccessKey } = lab.s3
  return {
    PATH: `${dirname(process.execPath)}:/usr/bin:${process.env.PATH}`,
    HOME: folder,
    PROJECT: join(import.meta.dirname, '../..'),
    NODE_COMPILE_CACHE: join(folder, 'code'),
    BUCKET: bucket,
    S3_URL: endpoint,
    DESTINATION: join(folder, 'destination.json'),
    IDENTITY: join(folder, 'identity'),
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_DEFAULT_REGION: region,
    RCLONE_CONFIG_LAB_TYPE: 's3',
    RCLONE_CONFIG_LAB_PROVIDER: 'Other',
    RCLONE_CONFIG_LAB_ENDPOINT: endpoint,
    RCLONE_CONFIG_LAB_ACCESS_KEY_ID: accessKeyId,
    RCLONE_CONFIG_LAB_SECRET_ACCESS_KEY: secretAccessKey,
    RCLONE_CONFIG_LAB_FORCE_PATH_STYLE: 'true',
    // The lab's S3 refuses the chunked bodies that restic sends, so it speaks Swift to the same server.
    RESTIC_PASSWORD: 'bench',
    RESTIC_CACHE_DIR: join(folder, 'restic'),
    OS_AUTH_URL: lab.swift.authUrl,
    OS_USERNAME: lab.swift.username,
    OS_PASSWORD: lab.swift.password,
    OS_PROJECT_NAME: lab.swift.projectName,
    OS_USER_DOMAIN_NAME: lab.swift.domain,
    OS_PROJECT_DOMAIN_NAME: lab.swift.domain,
    OS_REGION_NAME: region,
  }
}
