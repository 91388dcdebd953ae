import { IsthmusError } from '../../protocol/errors/index.ts'
import type { ItemIdentity, KnownItem, KnownItems } from './known-items.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const ITEMS = Buffer.from('"items":[')

/**
 * How every item of a list begins, since metadata is the first field of every kind. Between two items, with the
 * comma before it, it stands nowhere else: within a string its quotes would be escaped, and no object in an item
 * is in a list and has metadata.
 */
const ITEM = '{"metadata":{"name":"'
const NEXT_ITEM = Buffer.from(`},${ITEM}`)
/** How a list ends; a line's end stands nowhere else, since API servers write everything else on one line. */
const LIST_END = Buffer.from('}]}\n')

/** The fields of metadata up to the version, in the order in which Go writes them. */
const IDENTITY =
  /^\{"metadata":\{"name":"[^"\\]*",(?:"generateName":"[^"\\]*",)?"namespace":"([^"\\]*)","uid":"([^"\\]*)","resourceVersion":"(\d+)",/
/** Two names of 253 characters, a namespace, UID and version fit. */
const IDENTITY_BYTES = 800

/** A piece of a list's JSON: everything before the items, one item, or everything after them. */
export type ListPiece =
  | { head: Record<string, unknown> }
  /** `bytes` is its length; the identity is there where it could be read without parsing. */
  | { item: unknown; bytes: number; identity?: ItemIdentity }
  | { known: KnownItem }
  | { tail: Record<string, unknown> }

/** An object larger than this is not one that Kubernetes stores (1.5 MiB in etcd). */
const MAX_PIECE_BYTES = 8 * 1024 * 1024

/**
 * Cuts a Kubernetes list into its items while it arrives, so that neither memory nor the event loop is held by
 * the whole of it: each item is parsed by itself. The head holds kind and metadata as Kubernetes writes them
 * before the items; whatever stands behind them is the tail. An item that is `known` is passed over unread, by its
 * length, where the next one or the list's end stands behind it.
 * @throws IsthmusError bad_gateway when it is not such a list or ends too early
 */
export async function* splitItems(
  source: AsyncIterable<Buffer>,
  known?: Pick<KnownItems, 'find'>,
): AsyncGenerator<ListPiece> {
  const scanner = new ItemScanner(known)
  for await (const chunk of source) yield* scanner.push(chunk)
  yield* scanner.end()
}

/** Where the scanner is: before `"items":[`, between or in items, or behind them. */
type State = 'head' | 'items' | 'tail'

class ItemScanner {
  #state: State = 'head'
  #rest: Buffer = Buffer.alloc(0)
  /** Nesting and string state at `#at`, within the current item. */
  #depth = 0
  #inString = false
  #at = 0
  #start = -1
  /** Of the item that begins at `#start`. */
  #identity: ItemIdentity | undefined
  readonly #known: Pick<KnownItems, 'find'> | undefined

  constructor(known: Pick<KnownItems, 'find'> | undefined) {
    this.#known = known
  }

  #head(): Record<string, unknown> | undefined {
    const at = this.#rest.indexOf(ITEMS)
    if (at < 0) return undefined
    const head = parse(Buffer.concat([this.#rest.subarray(0, at + ITEMS.length), Buffer.from(']}')]))
    this.#rest = this.#rest.subarray(at + ITEMS.length)
    this.#state = 'items'
    this.#at = 0
    return head
  }

  *push(chunk: Buffer): Generator<ListPiece> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    if (this.#state === 'head') {
      const head = this.#head()
      if (head !== undefined) yield { head }
    }
    if (this.#state === 'items') yield* this.#items(true)
    if (this.#rest.length > MAX_PIECE_BYTES) throw malformed('an item is too large')
  }

  *end(): Generator<ListPiece> {
    if (this.#state === 'items') yield* this.#items(false)
    if (this.#state === 'head') {
      // A list without items: Go writes `"items":null` for a nil slice, and some servers leave it out.
      const whole = parse(this.#rest)
      yield { head: { ...whole, items: [] } }
      yield { tail: {} }
    } else if (this.#state === 'items') throw malformed('it ended between its items')
    else yield { tail: parse(Buffer.concat([Buffer.from('{"items":[]'), this.#rest])) }
  }

  /** The known item that begins at `at`, `'wait'` when that can not be told before `more` has come. */
  #knownAt(bytes: Buffer, at: number, more: boolean): KnownItem | 'wait' | undefined {
    if (this.#known === undefined) return undefined
    if (more && bytes.length - at < IDENTITY_BYTES) return 'wait'
    const match = IDENTITY.exec(bytes.toString('latin1', at, Math.min(at + IDENTITY_BYTES, bytes.length)))
    if (match === null) return undefined
    const [, namespace = '', uid = '', resourceVersion = ''] = match
    this.#identity = { namespace, uid, resourceVersion }
    const item = this.#known.find(this.#identity)
    if (item === undefined) return undefined
    const last = at + item.bytes - 1
    if (startsWith(bytes, last, NEXT_ITEM) || startsWith(bytes, last, LIST_END)) return item
    return more && bytes.length < last + NEXT_ITEM.length ? 'wait' : undefined
  }

  *#items(more: boolean): Generator<ListPiece> {
    const bytes = this.#rest
    let at = this.#at
    let consumed = 0
    scan: while (at < bytes.length) {
      if (this.#inString) {
        const end = endOfString(bytes, at)
        if (end < 0) {
          at = bytes.length
          break
        }
        this.#inString = false
        at = end + 1
        continue
      }
      switch (bytes[at]) {
        case QUOTE:
          this.#inString = true
          break
        case OPEN_BRACE:
        case OPEN_BRACKET:
          if (this.#depth === 0) {
            const known = this.#knownAt(bytes, at, more)
            if (known === 'wait') break scan
            if (known !== undefined) {
              yield { known }
              at += known.bytes
              consumed = at
              continue
            }
            this.#start = at
          }
          this.#depth++
          break
        case CLOSE_BRACE:
        case CLOSE_BRACKET:
          if (this.#depth === 0) {
            this.#state = 'tail'
            consumed = at + 1
            at++
            break scan
          }
          if (--this.#depth === 0) {
            const item = parse(bytes.subarray(this.#start, at + 1))
            yield { item, bytes: at + 1 - this.#start, identity: this.#identity }
            consumed = at + 1
            this.#start = -1
            this.#identity = undefined
          }
          break
      }
      at++
    }
    this.#rest = bytes.subarray(consumed)
    this.#at = at - consumed
    if (this.#start >= 0) this.#start -= consumed
  }
}

function startsWith(bytes: Buffer, at: number, what: Buffer): boolean {
  return at + what.length <= bytes.length && what.compare(bytes, at, at + what.length) === 0
}

/** The closing quote at or after `from`, which lies inside a string; -1 when it is not there yet. */
function endOfString(bytes: Buffer, from: number): number {
  let at = from
  for (;;) {
    const quote = bytes.indexOf(QUOTE, at)
    if (quote < 0) return -1
    let slashes = 0
    while (quote - 1 - slashes >= 0 && bytes[quote - 1 - slashes] === BACKSLASH) slashes++
    if (slashes % 2 === 0) return quote
    at = quote + 1
  }
}

function parse(bytes: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(bytes.toString('utf8')) as Record<string, unknown>
  } catch (cause) {
    throw malformed('it is not JSON', cause)
  }
}

function malformed(why: string, cause?: unknown): IsthmusError {
  return new IsthmusError('bad_gateway', 'The data plane answered with a malformed list', {
    cause: new Error(why, { cause }),
  })
}
