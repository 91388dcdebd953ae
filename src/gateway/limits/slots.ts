/** Places by key, for what is open rather than counted by the second. */
export interface Slots {
  /** Takes a place; `undefined` when all of this key are taken. Call what comes back once it is free again. */
  take(key: string): (() => void) | undefined
  /** Places taken of this key. */
  taken(key: string): number
}

/** `perKey` 0 switches the limit off. A key without a taken place costs nothing. */
export function makeSlots(perKey: number): Slots {
  const taken = new Map<string, number>()
  return {
    take(key) {
      const count = taken.get(key) ?? 0
      if (perKey > 0 && count >= perKey) return undefined
      taken.set(key, count + 1)
      let free = false
      return () => {
        if (free) return
        free = true
        const left = (taken.get(key) ?? 1) - 1
        if (left === 0) taken.delete(key)
        else taken.set(key, left)
      }
    },
    taken: (key) => taken.get(key) ?? 0,
  }
}
