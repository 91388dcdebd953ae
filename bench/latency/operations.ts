import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import type { KubeClient } from '../../src/kube/client/index.ts'
import { dialRemoteCommand } from '../../src/protocol/streams/index.ts'
import { type Arm, podsOf } from './target.ts'

/** One request of an operation; resolves when its answer has been read whole. */
export type Operation = (client: KubeClient, arm: Arm, index: number) => Promise<void>

/** Name of the pod that runs, and prefix of those that are held by a scheduling gate. */
export const RUNNING = 'bench-running'
export const HELD = 'bench-held'

async function get(client: KubeClient, path: string[], accept?: string): Promise<void> {
  const reply = await client.send({ method: 'GET', path, headers: accept === undefined ? {} : { accept } })
  const body = await buffer(reply.body)
  if (reply.status !== 200) throw new Error(`HTTP ${reply.status}: ${body.toString().slice(0, 200)}`)
}

/** A pod that no scheduler touches: what is measured is the API. */
export function heldPod(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'bench' } },
    spec: {
      schedulingGates: [{ name: 'bench.isthmus.dev/held' }],
      containers: [
        {
          name: 'main',
          image: 'busybox:1',
          command: ['true'],
          resources: { requests: { cpu: '1m', memory: '1Mi' } },
        },
      ],
    },
  }
}

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io'

/** `exec` of a command; gives the last of what came out, as text. @throws when it fails, or ends before it has read all */
export async function execute(
  client: KubeClient,
  arm: Arm,
  command: string[],
  input?: Buffer,
  times = 0,
): Promise<string> {
  const stdin = input !== undefined
  const server = await dialRemoteCommand({
    dial: () =>
      client.upgrade({
        path: [...podsOf(arm), RUNNING, 'exec'],
        query: { command, container: 'main', stdout: true, stdin },
        protocols: ['v5.channel.k8s.io'],
      }),
    streams: { stdin, stdout: true, stderr: false, tty: false },
  })
  let last: Buffer = Buffer.alloc(0)
  server.stdout?.on('data', (chunk: Buffer) => (last = chunk))
  const { stdin: into } = server
  if (into !== null && input !== undefined) {
    for (let sent = 0; sent < times && !into.destroyed; sent++) {
      // A stream that is destroyed drains no more.
      if (!into.write(input)) await Promise.race([once(into, 'drain'), server.status])
    }
    into.end()
  }
  const status = await server.status
  if (status.status !== 'Success') throw new Error(`exec: ${JSON.stringify(status)}`)
  return last.toString().trim()
}

/** Unique within a run, so that no create meets a leftover. */
export const createdName = (arm: Arm, index: number): string => `bench-${arm.name}-${process.pid}-${index}`

export const operations: Readonly<Record<string, Operation>> = {
  'GET pod': (client, arm) => get(client, [...podsOf(arm), RUNNING]),
  'LIST 500 pods': (client, arm) => get(client, podsOf(arm)),
  'LIST 500 pods as Table': (client, arm) => get(client, podsOf(arm), TABLE),
  'CREATE pod': (client, arm, index) =>
    client.json({ method: 'POST', path: podsOf(arm), body: heldPod(createdName(arm, index)) }),
  'DELETE pod': (client, arm, index) =>
    client.json({ method: 'DELETE', path: [...podsOf(arm), createdName(arm, index)] }),
  'log, first byte': async (client, arm) => {
    const reply = await client.send({
      method: 'GET',
      path: [...podsOf(arm), RUNNING, 'log'],
      query: { tailLines: 1, follow: true },
    })
    await new Promise((resolve, reject) => {
      reply.body.once('data', resolve)
      reply.body.once('error', reject)
      reply.body.once('end', () => reject(new Error('an empty log')))
    })
    reply.body.on('error', () => {}) // it is being thrown away
    reply.body.destroy()
  },
  'exec true': async (client, arm) => {
    await execute(client, arm, ['true'])
  },
}
