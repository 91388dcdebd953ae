/** Version of the agent, shown in the Node's nodeInfo and as User-Agent. */
export const AGENT_VERSION = '0.1.0'
