import { readFileSync } from 'node:fs'
import { type Any, openApi } from '../../support/api-under-test.ts'
import t from '../../support/tap.ts'
import { http } from '../../support/world/http.ts'

/** A request and what Kubernetes 1.36.3 answered: the status, and of a refusal `<status> <reason>: <message>`. */
interface Row {
  method: string
  path: string
  body?: unknown
  headers?: Record<string, string>
  answer: string
}

const rows: Row[] = JSON.parse(readFileSync(new URL('answers.json', import.meta.url), 'utf8'))

t.test('refusals are worded as those of Kubernetes 1.36.3, request by request, in this order', async (t) => {
  const { admin, namespace } = await openApi(t)
  const ns = await namespace()
  for (const { method, path, body, headers, answer } of rows) {
    const reply = await http(admin, { method, path: path.replaceAll('{ns}', ns), body, headers })
    const status = reply.status < 400 ? undefined : reply.json<Any & { message: string; reason: string }>()
    const found = status ? `${reply.status} ${status.reason}: ${status.message}` : String(reply.status)
    t.equal(
      found.replaceAll(ns, '{ns}'),
      answer,
      `${method} ${path} ${JSON.stringify(body)?.slice(0, 60) ?? ''}`,
    )
  }
})
