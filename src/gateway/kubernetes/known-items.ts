/** What identifies the contents of an object of one data plane: the same version of the same object never differs. */
export interface ItemIdentity {
  namespace: string
  uid: string
  resourceVersion: string
}

/** An item of a list that was rendered before. */
export interface KnownItem {
  /** Of its JSON as the data plane writes it, in bytes. */
  bytes: number
  /** Its text as this call's items are written. */
  render(nowMs: number): string
}

/** The items of one kind of list that were rendered before. */
export interface KnownItems {
  find(identity: ItemIdentity): KnownItem | undefined
  add(identity: ItemIdentity, item: KnownItem): void
}

/** Rendered items of all lists of this replica. */
export interface ItemMemory {
  /** @param scope everything that the text depends on besides the object: for whom, under which name, in which form */
  of(scope: string): KnownItems
  /** Of the items that are remembered, as the data plane writes them. */
  readonly bytes: number
}

export interface ItemMemoryOptions {
  /** The most that is remembered. What comes when it is full is rendered anew each time. */
  maxBytes: number
  /** What was not used for so long is forgotten, in milliseconds. */
  idleMs: number
  /** Monotonic, in milliseconds. */
  elapsed: () => number
}

interface Entry {
  resourceVersion: string
  item: KnownItem
  usedAt: number
}

/**
 * Remembers how items were rendered, by scope and UID, one version each. Nothing is answered from it that the data
 * plane has not just listed. When it is full nothing is pushed out but what is idle: lists are read from end to end,
 * and one larger than the memory would push out each item just before it is asked for.
 */
export function makeItemMemory({ maxBytes, idleMs, elapsed }: ItemMemoryOptions): ItemMemory {
  const scopes = new Map<string, Map<string, Entry>>()
  let bytes = 0
  let sweptAt = elapsed()

  function sweep(now: number): void {
    sweptAt = now
    for (const [scope, entries] of scopes) {
      for (const [key, entry] of entries) {
        if (now - entry.usedAt < idleMs) continue
        entries.delete(key)
        bytes -= entry.item.bytes
      }
      if (entries.size === 0) scopes.delete(scope)
    }
  }

  return {
    get bytes() {
      return bytes
    },
    of(scope) {
      const now = elapsed()
      if (now - sweptAt >= idleMs) sweep(now)
      const keyOf = ({ namespace, uid }: ItemIdentity) => `${namespace}/${uid}`
      return {
        find(identity) {
          const entry = scopes.get(scope)?.get(keyOf(identity))
          if (entry?.resourceVersion !== identity.resourceVersion) return undefined
          entry.usedAt = now
          return entry.item
        },
        add(identity, item) {
          const entries = scopes.get(scope) ?? new Map<string, Entry>()
          const before = entries.get(keyOf(identity))
          const grown = bytes + item.bytes - (before?.item.bytes ?? 0)
          if (grown > maxBytes) return
          bytes = grown
          entries.set(keyOf(identity), { resourceVersion: identity.resourceVersion, item, usedAt: now })
          scopes.set(scope, entries)
        },
      }
    },
  }
}
