import type { KubeObject } from '../../store/types.ts'
import type { Column } from './definition.ts'

type Cell = (object: KubeObject, nowMs: number) => string | number | boolean

/** A column that is always shown. */
export const column = (name: string, cell: Cell, type: Column['type'] = 'string'): Column => ({
  name,
  type,
  priority: 0,
  cell,
})

/** A column that `-o wide` adds. */
export const wide = (name: string, cell: Cell): Column => ({ name, type: 'string', priority: 1, cell })

/** `Name`, first in every table. */
export const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  priority: 0,
  cell: (object) => object.metadata.name,
}

export const ageColumn: Column = column('Age', (object, now) => age(object.metadata.creationTimestamp, now))

/** What a resource without columns of its own shows. */
export const genericColumns: readonly Column[] = [nameColumn, ageColumn]

/** The time since `timestamp` as kubectl shows it (apimachinery duration.HumanDuration). */
export function age(timestamp: string | undefined | null, nowMs: number): string {
  if (!timestamp) return '<unknown>'
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(timestamp)) / 1000))
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  const pair = (first: number, a: string, second: number, b: string) =>
    second === 0 ? `${first}${a}` : `${first}${a}${second}${b}`
  if (seconds < 120) return `${seconds}s`
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  if (days < 8) return pair(days, 'd', hours % 24, 'h')
  if (days < 730) return `${days}d`
  return pair(Math.floor(days / 365), 'y', days % 365, 'd')
}

/** A field as a plain record, empty when absent. */
export const part = (object: KubeObject, field: string): Record<string, unknown> =>
  (object[field] ?? {}) as Record<string, unknown>

/** The number of entries of some maps together. */
export const count = (...maps: unknown[]): number =>
  maps.reduce<number>((sum, map) => sum + Object.keys((map as object | undefined) ?? {}).length, 0)
