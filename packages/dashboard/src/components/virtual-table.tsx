import { Skeleton } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react'
import * as messages from '../messages/messages.ts'
import classes from './virtual-table.module.css'

/** A column of a table. */
export interface Column<T> {
  title: string
  /** Its track in a CSS grid. */
  width: string
  /** Whether phones show it too. */
  onPhones?: boolean
  render: (row: T) => ReactNode
}

const ROW_HEIGHT = 48
const OVERSCAN = 12
/** Rows that are shown as skeletons while more are read. */
const PENDING_ROWS = 3

/**
 * A table of any length, of which only the rows on the screen are in the page. It reads further pages as they are scrolled to, and
 * those before `firstIndex` again.
 */
export function VirtualTable<T>({
  label,
  columns,
  rows,
  firstIndex,
  rowKey,
  hasMore,
  onMore,
  onBefore,
}: {
  label: string
  columns: readonly Column<T>[]
  rows: readonly T[]
  /** The place of the first of the rows in the list. */
  firstIndex: number
  rowKey: (row: T) => string
  hasMore: boolean
  onMore: () => void
  onBefore: () => void
}) {
  const isPhone = useMediaQuery('(max-width: 48em)', window.innerWidth <= 768)
  const shown = isPhone ? columns.filter(({ onPhones }) => onPhones) : columns
  const body = useRef<HTMLDivElement>(null)
  const [scrollMargin, setScrollMargin] = useState(0)
  // What is above the table may change its height, as a notice appears.
  useLayoutEffect(() => {
    const top = (body.current?.getBoundingClientRect().top ?? 0) + window.scrollY
    if (Math.abs(top - scrollMargin) > 1) setScrollMargin(top)
  })
  const endIndex = firstIndex + rows.length
  const virtualizer = useWindowVirtualizer({
    count: endIndex + (hasMore ? PENDING_ROWS : 0),
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
    scrollMargin,
  })
  const virtualRows = virtualizer.getVirtualItems()
  const isBeginningShown = (virtualRows[0]?.index ?? 0) < firstIndex
  const isEndShown = (virtualRows.at(-1)?.index ?? 0) >= endIndex - 1
  useEffect(() => {
    if (isBeginningShown) onBefore()
    else if (hasMore && isEndShown) onMore()
  }, [hasMore, isBeginningShown, isEndShown, onBefore, onMore])

  const gridTemplateColumns = shown.map(({ width }) => width).join(' ')
  return (
    <div
      role="table"
      aria-label={label}
      aria-rowcount={hasMore ? -1 : endIndex + 1}
      aria-colcount={shown.length}
      className={classes.table}
    >
      <div role="rowgroup">
        <div role="row" aria-rowindex={1} className={classes.header} style={{ gridTemplateColumns }}>
          {shown.map(({ title }) => (
            <div key={title} role="columnheader" className={classes.cell}>
              {title}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" ref={body} className={classes.body} style={{ height: virtualizer.getTotalSize() }}>
        {virtualRows.map(({ index, start }) => {
          const row = rows[index - firstIndex]
          return (
            <div
              key={row === undefined ? index : rowKey(row)}
              role="row"
              aria-rowindex={index + 2}
              className={classes.row}
              style={{
                gridTemplateColumns,
                height: ROW_HEIGHT,
                transform: `translateY(${start - scrollMargin}px)`,
              }}
            >
              {row === undefined ? (
                <div role="cell" className={classes.cell} style={{ gridColumn: '1 / -1' }}>
                  <Skeleton height={16} aria-label={messages.shell.loadMore} />
                </div>
              ) : (
                shown.map(({ title, render }) => (
                  <div key={title} role="cell" className={classes.cell}>
                    {render(row)}
                  </div>
                ))
              )}
            </div>
          )
        })}
      </div>
    </div>
  )
}
