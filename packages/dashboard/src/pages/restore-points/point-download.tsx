import { Button, Code, Group, Progress, Stack, Text } from '@mantine/core'
import type { RestorePoint } from '@osb-backup/protocol/v1'
import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { formatBytes } from '../../components/formats.ts'
import { ActionFailure } from '../../components/notices.tsx'
import { Section } from '../../components/section.tsx'
import * as messages from '../../messages/messages.ts'
import { useSession } from '../../session/session.tsx'
import { canDownload, downloadPoint } from './download-point.ts'

const t = messages.restorePoints.download

/** Downloads the object of a restore point, verified while it is received. */
export function PointDownload({ point }: { point: RestorePoint }) {
  const { client } = useSession()
  const [receivedBytes, setReceived] = useState(0)
  const abort = useRef<AbortController>(undefined)
  useEffect(() => () => abort.current?.abort(), [])
  const download = useMutation({
    mutationFn: async () => {
      const stopping = new AbortController()
      abort.current = stopping
      await downloadPoint(client, point, { onProgress: setReceived, signal: stopping.signal })
    },
  })
  const percent = point.sizeBytes === 0 ? 100 : (receivedBytes / point.sizeBytes) * 100
  const command = `osb-backup restore-point download ${point.id} --file ${point.item}`
  return (
    <Section title={t.title}>
      <Stack gap="sm">
        {canDownload(point) ? (
          <>
            <Text size="sm">{t.hint}</Text>
            <Group>
              <Button
                variant="default"
                disabled={point.deletion !== undefined}
                loading={download.isPending}
                onClick={() => download.mutate()}
              >
                {t.start}
              </Button>
              {download.isPending && (
                <Button variant="default" onClick={() => abort.current?.abort()}>
                  {messages.shell.cancel}
                </Button>
              )}
            </Group>
            {download.isPending && (
              <>
                <Progress value={percent} aria-label={t.title} />
                <Text size="sm">{t.progress(formatBytes(receivedBytes), formatBytes(point.sizeBytes))}</Text>
              </>
            )}
            {download.isSuccess && (
              <Text size="sm" role="status">
                {point.sha256 === undefined ? t.unverified : t.done}
              </Text>
            )}
            {download.error !== null && !isAbort(download.error) && <ActionFailure error={download.error} />}
            <Text size="sm">{t.alternative}</Text>
          </>
        ) : (
          <Text size="sm">{t.tooLarge(formatBytes(point.sizeBytes))}</Text>
        )}
        <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {command}
        </Code>
      </Stack>
    </Section>
  )
}

/** Whether the user ended it: by the button, or in the dialog that asks for a file. */
const isAbort = (error: Error) => error.name === 'AbortError'
