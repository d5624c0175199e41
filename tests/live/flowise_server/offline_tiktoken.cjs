// Preloaded into the server with NODE_OPTIONS=--require, for machines without the internet.
// @langchain/core fetches the token ranks of https://tiktoken.pages.dev/js/<encoding>.json whenever a streaming
// ChatOpenAI is invoked; where nothing answers it tries for more than 30 seconds, for each call. The same ranks are
// in the package js-tiktoken, so this answers that one address from there. Nothing else of the server is touched.
const realFetch = globalThis.fetch

globalThis.fetch = function (input, init) {
  const url = typeof input === 'string' ? input : (input && input.url) || String(input)
  const found = /^https:\/\/tiktoken\.pages\.dev\/js\/([a-z0-9_]+)\.json$/.exec(url)
  if (!found) return realFetch.apply(this, arguments)
  const ranks = require(`${process.env.FLOWISE_NODE_MODULES}/js-tiktoken/dist/ranks/${found[1]}.cjs`)
  const body = JSON.stringify(ranks.default || ranks)
  return Promise.resolve(new Response(body, { status: 200, headers: { 'content-type': 'application/json' } }))
}
