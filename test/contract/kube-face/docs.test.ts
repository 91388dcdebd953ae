import { readFileSync } from 'node:fs'
import { qualifiedName, servedResources } from '../../../src/gateway/kubernetes/resources.ts'
import { operations } from '../../../src/gateway/routes/kube/operations.ts'
import t from '../../support/tap.ts'

const root = new URL('../../../', import.meta.url)
const page = readFileSync(new URL('docs/kubernetes-face.md', root), 'utf8')
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|').map((cell) => cell.trim()))

t.test('each rule of the Kubernetes face has a test that bears its number', async (t) => {
  const wanted = ['6a', ...Array.from({ length: 23 }, (_, index) => String(index + 1))]
  for (const rule of wanted) {
    const row = rows.find((cells) => cells[1] === rule)
    const files = [...(row?.[3] ?? '').matchAll(/`(test\/[^`]+)`/g)].map(([, file]) => file ?? '')
    t.ok(files.length > 0, `rule ${rule} has a row`)
    for (const file of files) {
      const text = readFileSync(new URL(file, root), 'utf8')
      t.ok(text.includes(`'rule ${rule}: `), `${file} has a test of rule ${rule}`)
    }
  }
})

t.test('the page lists what is served, verb by verb, and every verb has its operation', async (t) => {
  for (const resource of servedResources) {
    const name = qualifiedName(resource)
    const all = [{ name, verbs: resource.verbs }]
    for (const sub of resource.subresources ?? []) all.push({ name: `${name}/${sub.name}`, verbs: sub.verbs })
    for (const { name, verbs } of all) {
      const row = rows.find((cells) => cells[1] === `\`${name}\``)
      t.equal(row?.[2], [...verbs].sort().join(', '), name)
      for (const verb of verbs) t.type(operations[name]?.[verb], 'function', `${verb} ${name}`)
    }
  }
})
