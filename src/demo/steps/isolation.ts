import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fetchToken } from '../../cli/credentials/fetch-token.ts'
import { createKubeClient } from '../../kube/client/index.ts'
import { NAMESPACE } from '../manifests.ts'
import type { Stage } from '../stage.ts'
import type { Memory, Step } from '../step.ts'
import { expect } from '../wait.ts'

/** What the second tenant gets for the first one's pod, byte for byte. */
async function askAsStranger(stage: Stage, memory: Memory): Promise<string> {
  const credential = memory.credentials.get('client')
  expect(credential !== undefined, 'the second tenant has a credential')
  const { gateway } = stage
  const ca = readFileSync(gateway.caFile, 'utf8')
  const issued = await fetchToken(
    { gateway: gateway.publicUrl, ca, clientId: credential.id, clientSecret: credential.secret },
    Date.now,
  )
  const client = stage.keepOpen(createKubeClient({ server: gateway.publicUrl, ca, token: issued.token }))
  const reply = await client.send({
    method: 'GET',
    path: ['api', 'v1', 'namespaces', NAMESPACE, 'pods', 'web'],
  })
  return `${reply.status} ${await text(reply.body)}`
}

/** Asks before the pod is there, to compare with later. */
export const strangerBefore: Step = {
  title: 'A second tenant asks for a pod that nobody has yet',
  async run(stage, memory) {
    memory.strangerBefore = await askAsStranger(stage, memory)
    expect(memory.strangerBefore.startsWith('404'), `404, not ${memory.strangerBefore.slice(0, 60)}`)
    return { shown: memory.strangerBefore.slice(0, 100) }
  },
}

/** Asks again while the first tenant's pod runs. */
export const isolation: Step = {
  title: 'It asks again while the first tenant’s pod runs, and gets the same bytes',
  async run(stage, memory) {
    const now = await askAsStranger(stage, memory)
    expect(now === memory.strangerBefore, `the same bytes; before ${memory.strangerBefore}, now ${now}`)
    return { shown: `${now.length} bytes, equal to those of before` }
  },
}
