import { readFileSync } from 'node:fs'
import type { TSchema } from 'typebox'
import { Check, Errors } from 'typebox/value'
import { openApiDocuments } from '../../../src/gateway/openapi.ts'
import { operationExamples, problemExample } from '../../../src/gateway/openapi-examples.ts'
import t from '../../support/tap.ts'

interface Body {
  content?: Record<string, { schema: TSchema; example?: unknown }>
}

interface Operation {
  requestBody?: Body
  operationId?: string
  summary?: string
  responses: Record<string, Body>
}

const documents = await openApiDocuments()

for (const [name, document] of Object.entries(documents)) {
  t.test(`openapi/${name}.json is what the routes’ schemas say`, async (t) => {
    const file = new URL(`../../../openapi/${name}.json`, import.meta.url)
    t.same(JSON.parse(readFileSync(file, 'utf8')), JSON.parse(JSON.stringify(document)))
  })

  t.test(`${name}: every operation has an id of its own, a summary, an answer and its errors`, async (t) => {
    const { paths } = document as { paths: Record<string, Record<string, Operation>> }
    const operations = Object.values(paths).flatMap((path) => Object.values(path))
    const ids = operations.map((operation) => operation.operationId)
    t.equal(new Set(ids).size, ids.length)
    for (const { operationId, summary, responses } of operations) {
      t.ok(operationId && summary, `${operationId}`)
      t.ok(
        'default' in responses && Object.keys(responses).some((status) => status.startsWith('2')),
        `answers of ${operationId}`,
      )
    }
  })

  t.test(
    `${name}: every operation has examples of what it takes and answers, good by its own schemas`,
    async (t) => {
      const { paths, components } = document as unknown as {
        paths: Record<string, Record<string, Operation>>
        components: { schemas: { Problem: TSchema } }
      }
      const check = (what: string, { content }: Body, where = content) => {
        for (const { schema, example } of Object.values(where ?? {})) {
          t.not(example, undefined, `${what} has an example`)
          t.ok(Check(schema, example), `${what}: ${JSON.stringify([...Errors(schema, example)].slice(0, 2))}`)
        }
      }
      for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
        const { operationId, requestBody, responses } = operation
        if (requestBody) check(`${operationId}’s body`, requestBody)
        const [, answer] =
          Object.entries(responses).find(([status, { content }]) => status.startsWith('2') && content) ?? []
        if (answer) check(`${operationId}’s answer`, answer)
        t.ok(operationExamples[operationId ?? ''], `${operationId} is in the table`)
      }
      t.ok(Check(components.schemas.Problem, problemExample))
    },
  )
}

t.test('no example is of an operation that is gone', async (t) => {
  const ids = Object.values(documents).flatMap((document) =>
    Object.values((document as { paths: Record<string, Record<string, Operation>> }).paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    ),
  )
  t.same(
    Object.keys(operationExamples).filter((id) => !ids.includes(id)),
    [],
  )
})
