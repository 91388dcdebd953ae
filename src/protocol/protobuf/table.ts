import table from './table.generated.json' with { type: 'json' }

/**
 * A field of a message, from the struct tags of Kubernetes' Go types: they alone say which fields are pointers,
 * which the .proto files, where everything is optional, do not (kubernetes-face.md 1).
 */
export interface Field {
  name: string
  /** `string`, `bytes`, `bool`, `int`, a special type such as `Time`, or the name of a message. */
  type: string
  shape: 'single' | 'list' | 'map' | 'map of lists'
  /** Absent is nil; else absent is the zero value. */
  pointer: boolean
  omitEmpty: boolean
  omitZero: boolean
  /** Its fields are the outer object's. */
  inline: boolean
}

export type Message = ReadonlyMap<number, Field>

const messages: Record<string, Record<string, string[]>> = table.messages
const kinds: Record<string, string> = table.kinds
const compiled = new Map<string, Message>()

/** The message behind `<apiVersion>/<kind>`; DeleteOptions are the same in every group. */
export function messageOfKind(apiVersion: string, kind: string): string | undefined {
  const name = kind === 'DeleteOptions' ? 'v1/DeleteOptions' : `${apiVersion}/${kind}`
  return Object.hasOwn(kinds, name) ? kinds[name] : undefined
}

/** The fields of a message by number. */
export function fieldsOf(message: string): Message {
  let fields = compiled.get(message)
  if (!fields) {
    const rows = Object.hasOwn(messages, message) ? messages[message] : undefined
    if (!rows) throw new Error(`the table has no message ${message}`)
    fields = new Map(Object.entries(rows).map(([number, row]) => [Number(number), compile(row)]))
    compiled.set(message, fields)
  }
  return fields
}

const prefixes = { '{}[]': 'map of lists', '{}': 'map', '[]': 'list' } as const

function compile([name = '', typed = '', flags = '']: string[]): Field {
  const rest = {
    name,
    pointer: flags.includes('p'),
    omitEmpty: flags.includes('e'),
    omitZero: flags.includes('z'),
    inline: flags.includes('i'),
  }
  for (const [prefix, shape] of Object.entries(prefixes)) {
    if (typed.startsWith(prefix)) return { ...rest, type: typed.slice(prefix.length), shape }
  }
  return { ...rest, type: typed, shape: 'single' }
}
