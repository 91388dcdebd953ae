import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { schemaVersion } from '../../kube/schema/index.ts'
import { encodeDefinition, encodeOpenApiV2, encodePath } from '../../protocol/protobuf/index.ts'
import { openApiDocument, openApiPlaces } from './openapi-documents.ts'

/** `/openapi/v2` in its two forms, with the hash of each as its entity tag. */
export interface OpenApiV2 {
  json: Buffer
  jsonHash: string
  protobuf: Buffer
  protobufHash: string
}

type Fields = Record<string, unknown>

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const
const V3_SCHEMAS = '#/components/schemas/'

let made: Promise<OpenApiV2> | undefined

/**
 * The OpenAPI v2 document of what is served, made from the documents of v3 when it is first asked for. kubectl
 * 1.36 needs it where no fieldValidation can be asked of the server: for the items of a `v1 List`
 * (cli-runtime/pkg/resource/query_param_verifier_v3.go); Helm and older clients validate by it always.
 */
export function openApiV2(): Promise<OpenApiV2> {
  made ??= makeDocument()
  return made
}

/** Half a second of work on a busy core: after each path and each schema the event loop has its turn. */
async function makeDocument(): Promise<OpenApiV2> {
  const paths: Fields = {}
  const definitions: Fields = {}
  const encoded = { paths: [] as Buffer[], definitions: [] as Buffer[] }
  const info = { title: 'Isthmus', version: schemaVersion }
  for (const place of openApiPlaces) {
    await setImmediate()
    const document = JSON.parse(openApiDocument(place)?.text ?? '{}') as Fields
    for (const [path, item] of Object.entries(asFields(document.paths))) {
      const converted = pathItem(asFields(item))
      paths[path] = converted
      encoded.paths.push(encodePath(path, converted))
      await setImmediate()
    }
    for (const [name, schema] of Object.entries(asFields(asFields(document.components).schemas))) {
      if (definitions[name] !== undefined) continue
      const converted = schemaOf(asFields(schema))
      definitions[name] = converted
      encoded.definitions.push(encodeDefinition(name, converted))
      await setImmediate()
    }
  }
  const json = Buffer.from(JSON.stringify({ swagger: '2.0', info, paths, definitions }))
  const protobuf = encodeOpenApiV2({ ...info, ...encoded })
  return { json, jsonHash: hashOf(json), protobuf, protobufHash: hashOf(protobuf) }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha512').update(bytes).digest('hex').toUpperCase()
}

function pathItem(item: Fields): Fields {
  const operations = METHODS.filter((method) => item[method] !== undefined)
  return {
    ...Object.fromEntries(operations.map((method) => [method, operation(asFields(item[method]))])),
    parameters: parametersOf(item.parameters),
  }
}

function operation(value: Fields): Fields {
  const { requestBody, responses, parameters, tags: _, ...rest } = value
  const content = asFields(asFields(requestBody).content)
  const [body] = Object.values(content)
  const ours = parametersOf(parameters)
  if (body !== undefined) {
    const schema = schemaOf(asFields(asFields(body).schema))
    ours.unshift({ in: 'body', name: 'body', required: asFields(requestBody).required === true, schema })
  }
  const answers = Object.entries(asFields(responses)).map(([code, one]) => [code, response(asFields(one))])
  return {
    ...rest,
    ...(body === undefined ? {} : { consumes: Object.keys(content) }),
    produces: ['application/json'],
    parameters: ours,
    responses: Object.fromEntries(answers),
  }
}

function response(value: Fields): Fields {
  const [body] = Object.values(asFields(value.content))
  const schema = asFields(body).schema
  return {
    description: value.description,
    ...(schema === undefined ? {} : { schema: schemaOf(asFields(schema)) }),
  }
}

/** In v2 the schema of a parameter that is no body is flat. */
function parametersOf(list: unknown): Fields[] {
  return (Array.isArray(list) ? list : []).map((one) => {
    const { schema, ...rest } = asFields(one)
    return { ...rest, ...asFields(schema) }
  })
}

/**
 * A schema of v3 in v2's words: a reference that v3 wraps for the sake of its description and default stands
 * bare, and what may be a string or a number is a string, as in Kubernetes' own document.
 */
function schemaOf(value: Fields): Fields {
  const { allOf, oneOf, ...rest } = value
  const schema: Fields = { ...rest }
  if (Array.isArray(allOf)) {
    Object.assign(schema, asFields(allOf[0]))
    delete schema.type
  }
  if (oneOf !== undefined) schema.type = 'string'
  if (typeof schema.$ref === 'string') schema.$ref = schema.$ref.replace(V3_SCHEMAS, '#/definitions/')
  if (schema.items !== undefined) schema.items = schemaOf(asFields(schema.items))
  if (schema.additionalProperties !== undefined) {
    schema.additionalProperties = schemaOf(asFields(schema.additionalProperties))
  }
  if (schema.properties !== undefined) {
    const properties = Object.entries(asFields(schema.properties))
    schema.properties = Object.fromEntries(properties.map(([name, one]) => [name, schemaOf(asFields(one))]))
  }
  return schema
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}
