import { IsthmusError } from '../../protocol/errors/index.ts'
import type { KubeObject, StoreEvent } from './types.ts'

/** A change with the version it made. */
export interface HistoryEntry extends StoreEvent<KubeObject> {
  version: number
}

/** The last changes of one resource: what a watch can resume from, and a list be read back to. */
export interface History {
  add(entry: HistoryEntry): void
  /** Changes after `version`, oldest first. @throws gone when some of them are no longer known. */
  after(version: number): HistoryEntry[]
  /** Forgets everything up to and with `version` (what etcd calls compaction). */
  compact(version: number): void
}

/** `start` is the version before which nothing is known; `size` the number of changes kept. */
export function createHistory(start: number, size: number): History {
  let oldest = start
  let entries: HistoryEntry[] = []
  return {
    add(entry) {
      entries.push(entry)
      // Trimmed in bulk: shifting one by one would move the whole array with each change.
      if (entries.length < size * 2) return
      const dropped = entries.slice(0, size)
      entries = entries.slice(size)
      oldest = dropped[dropped.length - 1]!.version
    },
    after(version) {
      if (version < oldest) {
        throw new IsthmusError('gone', `too old resource version: ${version} (${oldest})`)
      }
      let low = 0
      let high = entries.length
      while (low < high) {
        const middle = (low + high) >> 1
        if (entries[middle]!.version <= version) low = middle + 1
        else high = middle
      }
      return entries.slice(low)
    },
    compact(version) {
      oldest = Math.max(oldest, version)
      entries = entries.filter((entry) => entry.version > version)
    },
  }
}
