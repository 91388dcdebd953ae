import { type WireField, wireMessage } from './write-wire.ts'

/** Any JSON object of a Swagger document. */
type Fields = Readonly<Record<string, unknown>>

const METHODS = { get: 2, put: 3, post: 4, delete: 5, patch: 8 } as const

/** The parts of a Swagger document, each encoded by itself: a document is half a megabyte, and not one turn's work. */
export interface EncodedOpenApiV2 {
  title: string
  version: string
  paths: readonly Buffer[]
  definitions: readonly Buffer[]
}

/**
 * An OpenAPI v2 document as protobuf, the message `openapi.v2.Document` of github.com/google/gnostic-models
 * (openapiv2/OpenAPIv2.proto): the only form in which client-go asks for `/openapi/v2`. What Kubernetes' documents
 * use is written; the rest of the message (examples, XML, bounds of numbers) does not occur.
 */
export function encodeOpenApiV2({ title, version, paths, definitions }: EncodedOpenApiV2): Buffer {
  const info = wireMessage([
    [1, title],
    [2, version],
  ])
  return wireMessage([
    [1, '2.0'],
    [2, info],
    [8, wireMessage(paths.map((one) => [2, one]))],
    [9, wireMessage(definitions.map((one) => [1, one]))],
  ])
}

/** One of the document's `paths`. */
export const encodePath = (name: string, item: Fields): Buffer => namedMessage(name, pathItem(item))

/** One of the document's `definitions`. */
export const encodeDefinition = (name: string, value: Fields): Buffer => namedMessage(name, schema(value))

/** A field that holds `NamedX { name = 1; value = 2 }`, which is how the message writes maps. */
function named(number: number, encode: (value: Fields) => Buffer) {
  return ([name, value]: [string, unknown]): WireField => [
    number,
    namedMessage(name, encode(asFields(value))),
  ]
}

function namedMessage(name: string, value: Buffer): Buffer {
  return wireMessage([
    [1, name],
    [2, value],
  ])
}

function pathItem(item: Fields): Buffer {
  const operations = Object.entries(METHODS).map(
    ([method, number]): WireField => [
      number,
      item[method] === undefined ? undefined : operation(asFields(item[method])),
    ],
  )
  return wireMessage([...operations, ...parameters(9, item.parameters)])
}

function operation(value: Fields): Buffer {
  return wireMessage([
    [3, text(value.description)],
    [5, text(value.operationId)],
    ...texts(6, value.produces),
    ...texts(7, value.consumes),
    ...parameters(8, value.parameters),
    [9, wireMessage(Object.entries(asFields(value.responses)).map(named(1, response)))],
    ...extensions(13, value),
  ])
}

/** ResponseValue { Response }, with SchemaItem { Schema } inside. */
function response(value: Fields): Buffer {
  const body = value.schema === undefined ? undefined : wireMessage([[1, schema(asFields(value.schema))]])
  return wireMessage([
    [
      1,
      wireMessage([
        [1, text(value.description)],
        [2, body],
      ]),
    ],
  ])
}

/** ParametersItem { Parameter { BodyParameter | NonBodyParameter { Query… | Path… } } }. */
function parameters(number: number, list: unknown): WireField[] {
  return asList(list).map((one) => {
    const value = asFields(one)
    return [number, wireMessage([[1, value.in === 'body' ? bodyParameter(value) : plainParameter(value)]])]
  })
}

function bodyParameter(value: Fields): Buffer {
  const body = wireMessage([
    [2, text(value.name)],
    [3, 'body'],
    [4, value.required === true],
    [5, schema(asFields(value.schema))],
  ])
  return wireMessage([[1, body]])
}

function plainParameter(value: Fields): Buffer {
  const isQuery = value.in === 'query'
  const sub = wireMessage([
    [1, value.required === true],
    [2, text(value.in)],
    [3, text(value.description)],
    [4, text(value.name)],
    [isQuery ? 6 : 5, text(value.type)],
    [isQuery ? 20 : 19, value.uniqueItems === true],
  ])
  return wireMessage([[2, wireMessage([[isQuery ? 3 : 4, sub]])]])
}

function schema(value: Fields): Buffer {
  const { additionalProperties: more, items, properties } = value
  return wireMessage([
    [1, text(value.$ref)],
    [2, text(value.format)],
    [4, text(value.description)],
    [5, value.default === undefined ? undefined : any(value.default)],
    ...texts(19, value.required),
    [21, more === undefined ? undefined : wireMessage([[1, schema(asFields(more))]])],
    [22, value.type === undefined ? undefined : wireMessage([[1, text(value.type)]])],
    [23, items === undefined ? undefined : wireMessage([[1, schema(asFields(items))]])],
    [
      25,
      properties === undefined
        ? undefined
        : wireMessage(Object.entries(asFields(properties)).map(named(1, schema))),
    ],
    ...extensions(31, value),
  ])
}

/** `x-…` fields: NamedAny { Any { yaml = 2 } }; JSON is YAML. */
function extensions(number: number, value: Fields): WireField[] {
  return Object.entries(value)
    .filter(([key]) => key.startsWith('x-'))
    .map(([key, inner]) => [
      number,
      wireMessage([
        [1, key],
        [2, any(inner)],
      ]),
    ])
}

function any(value: unknown): Buffer {
  return wireMessage([[2, `${JSON.stringify(value)}\n`]])
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function texts(number: number, list: unknown): WireField[] {
  return asList(list).map((one) => [number, text(one)])
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
