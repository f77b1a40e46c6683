import { Kbd, Modal, Table } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import * as messages from '../messages/messages.ts'
import { usePages } from './use-pages.ts'

const t = messages.shell
/** How long after `g` the second key may follow. */
const SEQUENCE_MS = 1500

/** Keyboard shortcuts of every page: `?` lists them, `/` searches, `g` and a letter open a page. */
export function Shortcuts() {
  const navigate = useNavigate()
  const pages = usePages()
  const current = useRef(pages)
  current.current = pages
  const [isListOpen, setListOpen] = useState(false)
  useEffect(() => {
    let goUntil = 0
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      const page = performance.now() < goUntil ? current.current.find(({ key }) => key === event.key) : undefined
      goUntil = event.key === 'g' ? performance.now() + SEQUENCE_MS : 0
      if (page !== undefined) void navigate({ to: page.to })
      else if (event.key === '?') setListOpen(true)
      else if (event.key === '/' && focusSearch()) event.preventDefault()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [navigate])
  return (
    <Modal
      opened={isListOpen}
      onClose={() => setListOpen(false)}
      title={t.shortcuts}
      closeButtonProps={{ 'aria-label': t.close }}
    >
      <Table>
        <Table.Tbody>
          <Shortcut keys={['/']} meaning={t.searchShortcut} />
          {pages.map(({ key, label }) => (
            <Shortcut key={key} keys={['g', key]} meaning={label} />
          ))}
          <Shortcut keys={['?']} meaning={t.shortcuts} />
        </Table.Tbody>
      </Table>
    </Modal>
  )
}

function focusSearch(): boolean {
  const search = document.querySelector<HTMLInputElement>('[data-search]')
  search?.focus()
  return search !== null
}

function Shortcut({ keys, meaning }: { keys: string[]; meaning: string }) {
  return (
    <Table.Tr>
      <Table.Td>
        {keys.map((key) => (
          <Kbd key={key} mr={4}>
            {key}
          </Kbd>
        ))}
      </Table.Td>
      <Table.Td>{meaning}</Table.Td>
    </Table.Tr>
  )
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'))
}
