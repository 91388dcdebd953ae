import { open } from 'node:fs/promises'
import { readLog } from '../logs/reader.ts'
import type { ContainerSpec } from '../types.ts'

/** A kubelet's limits: of the file, and of the log that stands in for it. */
const MESSAGE_LIMIT = 4096
const LOG_LIMIT = 2048
const LOG_LINES = 80

/** What the file at terminationMessagePath says; undefined when it is empty or missing. */
async function fromFile(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch(() => undefined)
  if (!file) return undefined
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MESSAGE_LIMIT), 0, MESSAGE_LIMIT, 0)
    return buffer.toString('utf8', 0, bytesRead) || undefined
  } finally {
    await file.close()
  }
}

async function fromLog(path: string): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of readLog({ path, tailLines: LOG_LINES })) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).subarray(-LOG_LIMIT).toString('utf8')
}

/** The termination message of a container that has ended, by its `terminationMessagePolicy`. */
export async function terminationMessage(
  container: ContainerSpec,
  files: { message: string; log: string },
  exitCode: number,
): Promise<string | undefined> {
  const message = await fromFile(files.message)
  if (message !== undefined) return message
  if (container.terminationMessagePolicy !== 'FallbackToLogsOnError' || exitCode === 0) return undefined
  return (await fromLog(files.log)) || undefined
}
