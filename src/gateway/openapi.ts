import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { silentLogger } from '../lib/logger.ts'
import { errorRegistry } from '../protocol/errors/index.ts'
import { operationExamples, problemExample } from './openapi-examples.ts'
import { makeServer } from './plugins/server.ts'
import { registerAgentFace } from './routes/agent/index.ts'
import { registerOperatorFace } from './routes/operator/index.ts'
import { registerTokenFace } from './routes/token/issue.ts'

/** RFC 9457, as every operation answers what went wrong. */
const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: Type.Union(Object.keys(errorRegistry).map((code) => Type.Literal(code))),
  retryable: Type.Boolean(),
  requestId: Type.Optional(Type.String()),
  errors: Type.Optional(
    Type.Array(Type.Object({ field: Type.String(), reason: Type.String(), message: Type.String() })),
  ),
})

/** The API descriptions, from the very schemas that validate. Nothing is served and nothing is asked of a database. */
export async function openApiDocuments(): Promise<Record<'operator' | 'agent', object>> {
  // Registering a route touches none of its services; only requests would.
  const untouched = new Proxy({}, { get: () => undefined }) as never
  return {
    operator: await describe(
      'Isthmus operator face',
      'Tenants, quotas, nodes, data planes and who may use them.',
      (app) => registerOperatorFace(app, untouched),
    ),
    agent: await describe(
      'Isthmus agent and token face',
      'What an agent asks besides the Kubernetes face.',
      (app) => {
        registerTokenFace(app, untouched)
        registerAgentFace(app, untouched)
      },
    ),
  }
}

async function describe(
  title: string,
  description: string,
  register: (app: FastifyInstance) => void,
): Promise<object> {
  const app = makeServer({ logger: silentLogger })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title, description, version: '1' },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
    hideUntagged: false,
  })
  register(app)
  await app.ready()
  const document = app.swagger()
  await app.close()
  // Through JSON: typebox keeps marks of its own on the schemas, which are no part of the description.
  return complete(JSON.parse(JSON.stringify(document)))
}

interface Described {
  content?: Record<string, { schema?: object; example?: unknown }>
}

interface Operation {
  operationId: string
  parameters?: object[]
  requestBody?: Described
  responses: Record<string, Described>
}

interface Document {
  components: { schemas?: Record<string, object> }
  paths: Record<string, Record<string, Operation>>
}

const header = (name: string, description: string) => ({
  in: 'header',
  name,
  required: false,
  schema: { type: 'string' },
  description,
})
const IDEMPOTENCY = header(
  'Idempotency-Key',
  'Makes the request safe to repeat for a day; another request with it is 422.',
)
const IF_MATCH = header('If-Match', 'The ETag that was read; 412 when the object has changed since.')

/** Adds what holds for many operations alike: the errors, and the headers of the operator face. */
function complete(document: Document): Document {
  document.components.schemas = {
    ...document.components.schemas,
    Problem: JSON.parse(JSON.stringify(Problem)),
  }
  const problem = {
    // Codes, statuses and remedies are in docs/errors.md.
    description: 'What went wrong.',
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        example: problemExample,
      },
    },
  }
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      operation.responses['default'] ??= problem
      addExamples(operation)
      if (!/^\/v1\/(tenants|clusters|nodes|credentials|operators)/.test(path)) continue
      if (method === 'post') operation.parameters = [...(operation.parameters ?? []), IDEMPOTENCY]
      if (method === 'patch' || method === 'put')
        operation.parameters = [...(operation.parameters ?? []), IF_MATCH]
    }
  }
  return document
}

/** The form of RFC 6749 §4.4.2 has a parser of its own, so that its route has no schema of the body. */
const TOKEN_FORM = {
  'application/x-www-form-urlencoded': {
    schema: {
      type: 'object',
      required: ['grant_type'],
      properties: {
        grant_type: { const: 'client_credentials' },
        client_id: { type: 'string' },
        client_secret: { type: 'string' },
      },
    },
  },
}

function addExamples(operation: Operation): void {
  const { request, reply } = operationExamples[operation.operationId] ?? {}
  if (operation.operationId === 'issueToken') operation.requestBody ??= { content: TOKEN_FORM }
  for (const body of Object.values(operation.requestBody?.content ?? {})) body.example = request
  const answers = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'))
  const [, answer] = answers.find(([, { content }]) => content !== undefined) ?? []
  for (const body of Object.values(answer?.content ?? {})) if (reply !== undefined) body.example = reply
}
