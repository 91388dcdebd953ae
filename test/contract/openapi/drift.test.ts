import { readFileSync } from 'node:fs'
import { openApiDocuments } from '../../../src/gateway/openapi.ts'
import t from '../../support/tap.ts'

interface Operation {
  operationId?: string
  summary?: string
  responses: Record<string, unknown>
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
}
