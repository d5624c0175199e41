"""Fill an empty Flowise with an account, keys and the flows that the live tests call.

    python provision.py BASE_URL PID MODELS_PORT_FILE

Waits until the server with this process id answers, uses nothing but its HTTP API, and prints what there is as JSON:
base_url, version, api_key, other_api_key, flows {name: id}. The keys are the server's own, new each time.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

# the inputs of a node that are values; all others are anchors, which edges lead to
PARAMETERS = frozenset(
    "asyncOptions asyncMultiOptions options multiOptions array datagrid string number boolean password json code date file"
    " folder tabs conditionFunction timePicker weekDaysPicker monthDaysPicker datePicker".split()
)
FLOWS = "view create update duplicate delete export import config domains"
PERMISSIONS = [f"{group}:{verb}" for group in ("chatflows", "agentflows") for verb in FLOWS.split()] + (
    "executions:view executions:update executions:delete variables:view variables:create tools:view credentials:view"
    " documentStores:view apikeys:view"
).split()


class Server:
    """The HTTP API, as the user interface uses it: with a session cookie and a header of its own."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._cookies: dict[str, str] = {}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(f"{self.base_url}/api/v1{path}", method=method)
        request.add_header("x-request-from", "internal")
        request.add_header("Cookie", "; ".join(f"{name}={value}" for name, value in self._cookies.items()))
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, data, timeout=60) as answer:
                content, headers = answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read()[:800]!r}") from None
        for cookie in headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return json.loads(content) if content[:1] in b"{[" else content.decode()

    def wait(self, process: int, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._is_up():
            if time.monotonic() > until:
                raise SystemExit(f"no answer from {self.base_url} within {seconds} seconds")
            try:
                os.kill(process, 0)
            except ProcessLookupError:
                raise SystemExit("the server has ended while it was starting") from None
            time.sleep(0.1)

    def _is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base_url}/api/v1/ping", timeout=2) as answer:
                return bool(answer.read() == b"pong")
        except OSError:
            return False


class Flow:
    """A flow as the canvas saves it: nodes with all that the server says of their kind, and edges."""

    def __init__(self, kinds: dict[str, Any]) -> None:
        self._kinds = kinds
        self._nodes: list[dict[str, Any]] = []
        self._edges: list[dict[str, Any]] = []

    def add(self, kind: str, inputs: dict[str, Any] | None = None, *, number: int = 0, **more: Any) -> str:
        """Add a node of a kind; `outputs`, `credential` and `label` are the node's own, where given."""
        known, node_id = self._kinds[kind], f"{kind}_{number}"
        own = ("inputs", "outputs", "filePath", "icon", "credential", "author", "loadMethods")
        data = {key: value for key, value in known.items() if key not in own}
        asked = [
            {**field, "id": f"{node_id}-input-{field['name']}-{field['type']}"} for field in known.get("inputs") or []
        ]
        data["inputParams"] = [field for field in asked if field["type"] in PARAMETERS]
        data["inputAnchors"] = [field for field in asked if field["type"] not in PARAMETERS]
        if known.get("credential"):
            data["inputParams"].insert(0, {**known["credential"], "id": f"{node_id}-input-credential"})
        data["inputs"] = {field["name"]: field.get("default", "") for field in asked} | (inputs or {})
        data |= {"id": node_id, "label": known["label"], "outputs": {}, "selected": False} | more
        data["outputAnchors"] = self._anchors(known, node_id, data)
        on_canvas = {"x": 100 + 320 * len(self._nodes), "y": 100}
        self._nodes.append(
            {
                "id": node_id,
                "type": "agentFlow" if _is_agentflow(known) else "customNode",
                "position": on_canvas,
                "positionAbsolute": on_canvas,
                "width": 300,
                "height": 200,
                "selected": False,
                "dragging": False,
                "data": data,
            }
        )
        return node_id

    def _anchors(self, known: dict[str, Any], node_id: str, data: dict[str, Any]) -> list[dict[str, Any]]:
        name, classes = known["name"], known.get("baseClasses") or []
        if _is_agentflow(known):
            return [{"id": f"{node_id}-output-{name}", "label": known["label"], "name": name}]
        if not known.get("outputs"):
            joined = {"id": f"{node_id}-output-{name}-{'|'.join(classes)}", "type": " | ".join(classes)}
            return [{"name": name, "label": known.get("type", ""), **joined}]
        options = [
            {
                "id": f"{node_id}-output-{output['name']}-{'|'.join(output.get('baseClasses') or [])}",
                "name": output["name"],
                "label": output["label"],
                "type": " | ".join(output.get("baseClasses") or []),
            }
            for output in known["outputs"]
        ]
        first = known["outputs"][0]["name"]
        data["outputs"] = data["outputs"] or {"output": first}
        return [{"name": "output", "label": "Output", "type": "options", "options": options, "default": first}]

    def branches(self, node_id: str, count: int) -> None:
        """Give a node of an agentflow several numbered outputs."""
        data = self._data(node_id)
        label, name = data["label"], data["name"]
        data["outputAnchors"] = [
            {"id": f"{node_id}-output-{index}", "label": label, "name": name} for index in range(count)
        ]

    def then(self, source: str, target: str, branch: str | None = None, label: str | None = None) -> None:
        """An edge of an agentflow, from one node to the next."""
        handle = f"{source}-output-{source.rsplit('_', 1)[0] if branch is None else branch}"
        data: dict[str, Any] = {"sourceColor": "#7EE787", "targetColor": "#4DDBBB", "isHumanInput": label is not None}
        if label is not None:
            data["edgeLabel"] = label
        self._edge(source, handle, target, target, "agentFlow", data)

    def plug(self, source: str, target: str, field: str) -> None:
        """An edge of a chatflow, from a component into a field of the node that uses it."""
        giver, taker = self._data(source), self._data(target)
        output = giver["outputAnchors"][0]
        if output.get("type") == "options":
            chosen = giver["outputs"]["output"]
            output = next(option for option in output["options"] if option["name"] == chosen)
        anchor = next(anchor for anchor in taker["inputAnchors"] if anchor["name"] == field)
        reference = "{{" + source + ".data.instance}}"
        before = taker["inputs"].get(field) if isinstance(taker["inputs"].get(field), list) else []
        taker["inputs"][field] = [*before, reference] if anchor.get("list") else reference
        self._edge(source, output["id"], target, anchor["id"], "buttonedge", {})

    def _edge(self, source: str, out: str, target: str, into: str, kind: str, data: dict[str, Any]) -> None:
        ends = {"source": source, "sourceHandle": out, "target": target, "targetHandle": into}
        self._edges.append({**ends, "type": kind, "data": data, "id": f"{source}-{out}-{target}-{into}"})

    def _data(self, node_id: str) -> dict[str, Any]:
        data: dict[str, Any] = next(node["data"] for node in self._nodes if node["id"] == node_id)
        return data

    def json(self) -> str:
        return json.dumps({"nodes": self._nodes, "edges": self._edges, "viewport": {"x": 0, "y": 0, "zoom": 1}})


def _is_agentflow(known: dict[str, Any]) -> bool:
    return known.get("category") == "Agent Flows"


class Workshop:
    """Makes the flows and saves them under their names."""

    def __init__(self, server: Server, models: str, key_id: str) -> None:
        self._server, self._models, self._key_id = server, models, key_id
        self.ids: dict[str, str] = {}
        self._kinds = {kind["name"]: kind for kind in server.call("GET", "/nodes")}
        secret = {"openAIApiKey": "none-is-needed"}
        credential = {"name": "models", "credentialName": "openAIApi", "plainDataObj": secret}
        self._credential = server.call("POST", "/credentials", credential)["id"]
        self._fail_tool = server.call(
            "POST",
            "/tools",
            {
                "name": "fail_tool",
                "description": "always fails",
                "color": "linear-gradient(rgb(0,0,0), rgb(1,1,1))",
                "iconSrc": "",
                "schema": json.dumps(
                    [{"id": 0, "property": "what", "description": "what", "type": "string", "required": True}]
                ),
                "func": 'throw new Error("tool exploded")',
            },
        )["id"]
        server.call("POST", "/variables", {"name": "tone", "value": "plain", "type": "static"})

    def make(self) -> dict[str, str]:
        """All flows; their ids by name."""
        self._without_a_model()
        self._with_a_model()
        self._with_tools()
        self._with_a_human()
        self._restricted()
        self._hard_to_read()
        self._chains()
        self._chatflow_agents()
        self._sequential()
        return self.ids

    def _save(self, name: str, flow: Flow, kind: str = "AGENTFLOW", **settings: Any) -> None:
        body = {"name": name, "type": kind, "flowData": flow.json(), "deployed": False, "isPublic": False}
        body |= {key: json.dumps(value) if isinstance(value, dict) else value for key, value in settings.items()}
        saved = self._server.call("POST", "/chatflows", body)
        if "apiConfig" in settings:  # a limit of calls is only put up by an update
            self._server.call("PUT", f"/chatflows/{saved['id']}", body)
        self.ids[name] = saved["id"]

    # pieces

    def _started(self, kind: str = "chatInput", **more: Any) -> Flow:
        flow = Flow(self._kinds)
        flow.add("startAgentflow", {"startInputType": kind, **more})
        return flow

    def _direct(self) -> Flow:
        flow = self._started()
        message = "You said: {{question}} | session={{$flow.sessionId}} | chat={{$flow.chatId}}"
        flow.then("startAgentflow_0", flow.add("directReplyAgentflow", {"directReplyMessage": message}))
        return flow

    def _function(self, code: str, kind: str = "chatInput", given: dict[str, str] | None = None, **more: Any) -> Flow:
        flow = self._started(kind, **more)
        variables = [{"variableName": name, "variableValue": value} for name, value in (given or {}).items()]
        inputs = {"customFunctionJavascriptFunction": code, "customFunctionInputVariables": variables}
        flow.then("startAgentflow_0", flow.add("customFunctionAgentflow", inputs))
        return flow

    def _model(self, **more: Any) -> dict[str, Any]:
        """The inputs of a chat model."""
        blank = {"maxTokens": "", "topP": "", "timeout": "", "allowImageUploads": ""}
        base = {"modelName": "fake-model", "temperature": 0, "streaming": True, "basepath": f"{self._models}/v1"}
        return {**base, **blank, **more}

    def _model_of(self, node: str, **more: Any) -> dict[str, Any]:
        """A chat model as a node of an agentflow has it."""
        credential = {"credential": self._credential, "FLOWISE_CREDENTIAL_ID": self._credential}
        return {**self._model(**more), **credential, f"{node}Model": "chatOpenAI"}

    def _llm(self, **inputs: Any) -> Flow:
        flow = self._started()
        node = {
            "llmModel": "chatOpenAI",
            "llmModelConfig": self._model_of("llm"),
            "llmMessages": [{"role": "system", "content": "You are a test model."}],
            "llmEnableMemory": True,
            "llmMemoryType": "allMessages",
            "llmUserMessage": "",
            "llmReturnResponseAs": "userMessage",
            "llmStructuredOutput": "",
        }
        flow.then("startAgentflow_0", flow.add("llmAgentflow", {**node, **inputs}))
        return flow

    def _agent(self, tool: str, *, asks: bool = False, **config: Any) -> Flow:
        flow = self._started()
        used = {
            "agentSelectedTool": tool,
            "agentSelectedToolConfig": {"agentSelectedTool": tool, **config},
            "agentSelectedToolRequiresHumanInput": asks,
        }
        node = {
            "agentModel": "chatOpenAI",
            "agentModelConfig": self._model_of("agent"),
            "agentMessages": [{"role": "system", "content": "Use tools."}],
            "agentTools": [used],
            "agentEnableMemory": True,
            "agentMemoryType": "allMessages",
            "agentUserMessage": "",
            "agentReturnResponseAs": "userMessage",
        }
        flow.then("startAgentflow_0", flow.add("agentAgentflow", node))
        return flow

    def _chat_model(self, **more: Any) -> Flow:
        """A chatflow that has its model so far."""
        flow = Flow(self._kinds)
        flow.add("chatOpenAI", self._model(**more), credential=self._credential)
        return flow

    def _chain(self, *plugs: tuple[str, str, dict[str, Any]], **more: Any) -> Flow:
        """A chain with a prompt; each plug is a kind of node, the field it goes into, and its inputs."""
        flow = self._chat_model(**more)
        flow.add("promptTemplate", {"template": "Answer: {text}", "promptValues": ""})
        flow.add("llmChain", outputs={"output": "llmChain"})
        flow.plug("chatOpenAI_0", "llmChain_0", "model")
        flow.plug("promptTemplate_0", "llmChain_0", "prompt")
        for kind, field, inputs in plugs:
            flow.plug(flow.add(kind, inputs), "llmChain_0", field)
        return flow

    def _with_memory(self, flow: Flow, node: str) -> None:
        memory = flow.add("bufferMemory", {"sessionId": "", "memoryKey": "chat_history"})
        flow.plug("chatOpenAI_0", node, "model")
        flow.plug(memory, node, "memory")

    # flows

    def _without_a_model(self) -> None:
        self._save("agentflow_direct", self._direct())
        code = "return JSON.stringify({input: $flow.input, sessionId: $flow.sessionId, chatId: $flow.chatId, tone: $vars.tone, extra: $extra})"
        self._save("agentflow_function", self._function(code, given={"extra": "default"}))
        self._save("agentflow_throw", self._function('throw new Error("boom: deliberate failure")'))
        self._save("agentflow_empty", self._function('return ""'))
        self._save("agentflow_object", self._function("return {a: 1, nested: {b: [1, 2]}}"))
        error = 'return JSON.stringify({error: "upstream said no", statusCode: 502})'
        self._save("agentflow_error_as_text", self._function(error))
        fields = [{"type": kind, "label": label, "name": label.lower(), "addOptions": ""} for kind, label in FIELDS]
        form = self._function(
            'return "form got: " + JSON.stringify({name: $name, age: $age}) + " input=" + $flow.input',
            "formInput",
            {"name": "{{$form.name}}", "age": "{{$form.age}}"},
            formTitle="Who",
            formDescription="Say who you are",
            formInputTypes=fields,
        )
        self._save("agentflow_form", form)
        flow = self._function('await new Promise(r => setTimeout(r, 4000)); return "slept"')
        flow.then(
            "customFunctionAgentflow_0", flow.add("directReplyAgentflow", {"directReplyMessage": "after the sleep"})
        )
        self._save("agentflow_sleep", flow)

    def _with_a_model(self) -> None:
        types = "text/plain,text/csv,application/json"
        pdf = {"usage": "perPage", "legacyBuild": False}
        uploads = {"fullFileUpload": {"status": True, "allowedUploadFileTypes": types, "pdfFile": pdf}}
        self._save("agentflow_llm", self._llm(), chatbotConfig=uploads)
        blank = {"enumValues": "", "jsonSchema": ""}
        structure = [
            {"key": "title", "type": "string", "description": "a title", **blank},
            {"key": "score", "type": "number", "description": "a score", **blank},
        ]
        self._save("agentflow_llm_structured", self._llm(llmStructuredOutput=structure))
        self._save("agentflow_llm_images", self._llm(llmModelConfig=self._model_of("llm", allowImageUploads=True)))
        flow = self._llm()
        flow.then(
            "llmAgentflow_0", flow.add("directReplyAgentflow", {"directReplyMessage": "final: {{llmAgentflow_0}}"})
        )
        self._save("agentflow_llm_middle", flow)
        ollama = {"baseUrl": self._models, "modelName": "fake-thinker", "temperature": 0, "streaming": True}
        thinker = {**ollama, "think": True, "llmModel": "chatOllama"}
        self._save("agentflow_think", self._llm(llmModel="chatOllama", llmModelConfig=thinker))
        for name, url in (("agentflow_followup", self._models), ("agentflow_followup_broken", "http://127.0.0.1:9")):
            prompt = "Given {history}, ask three questions."
            asker = {"baseUrl": url, "modelName": "fake", "temperature": "0.5", "prompt": prompt, "credentialId": ""}
            prompts = {"status": True, "selectedProvider": "ollama", "ollama": asker}
            self._save(name, self._direct(), followUpPrompts=prompts)

    def _with_tools(self) -> None:
        self._save("agentflow_agent_tools", self._agent("calculator"))
        self._save("agentflow_agent_tools_human", self._agent("calculator", asks=True))
        self._save("agentflow_failtool", self._agent("customTool", selectedTool=self._fail_tool))

    def _with_a_human(self) -> None:
        flow = self._started()
        ask = {
            "humanInputDescriptionType": "fixed",
            "humanInputDescription": "Proceed with: {{question}}?",
            "humanInputEnableFeedback": True,
        }
        human = flow.add("humanInputAgentflow", ask)
        flow.branches(human, 2)
        flow.then("startAgentflow_0", human)
        for number, (label, choice) in enumerate((("Approved", "proceed"), ("Rejected", "reject"))):
            message = {"directReplyMessage": label.lower() + ": {{question}}"}
            reply = flow.add("directReplyAgentflow", message, number=number, label=label)
            flow.then(human, reply, str(number), choice)
        self._save("agentflow_human", flow)

    def _restricted(self) -> None:
        self._save("agentflow_keyed", self._direct(), apikeyid=self._key_id)
        limit = {"status": True, "limitMax": 2, "limitDuration": 600, "limitMsg": "Slow down please"}
        for name in ("agentflow_ratelimited", "agentflow_ratelimited_sync", "agentflow_ratelimited_async"):
            self._save(name, self._direct(), apiConfig={"rateLimit": limit})
        origins = {"allowedOrigins": ["https://allowed.example"], "allowedOriginsError": "Origin not welcome"}
        self._save("agentflow_origins", self._direct(), chatbotConfig=origins)
        code = 'if (String($flow.input).includes("THROW")) throw new Error("boom in a flow that cannot stream"); return "raw " + $flow.input'
        post = {"enabled": True, "customFunction": json.dumps('return "post:" + $flow.rawOutput')}
        self._save("agentflow_postprocess", self._function(code), chatbotConfig={"postProcessing": post})
        variables = {
            "label": "Input Variables",
            "name": "customFunctionInputVariables",
            "type": "array",
            "enabled": True,
        }
        allowed = {
            "status": True,
            "nodes": {"Custom Function": [variables]},
            "variables": [{"id": "tone", "name": "tone", "type": "static", "enabled": True}],
        }
        code = "return JSON.stringify({tone: $vars.tone, extra: $extra, sessionId: $flow.sessionId})"
        override = self._function(code, given={"extra": "default"})
        self._save("agentflow_override", override, apiConfig={"overrideConfig": allowed})
        for mode in ("sync", "async", "stream"):
            hook = self._function(
                'return "hook got " + $who',
                "webhookTrigger",
                {"who": "{{$webhook.body.who}}"},
                webhookMethod="POST",
                webhookContentType="application/json",
                webhookInputMode="text",
                webhookDefaultInput="from {{$webhook.body.who}}",
                webhookResponseMode=mode,
            )
            self._save(f"agentflow_webhook_{mode}", hook)

    def _hard_to_read(self) -> None:
        self._save("agentflow_startonly", self._started())
        flow = self._started()
        for number, branch in enumerate(("one", "two")):
            message = {"directReplyMessage": f"branch {branch}"}
            reply = flow.add("directReplyAgentflow", message, number=number, label=branch.title())
            flow.then("startAgentflow_0", reply)
        self._save("agentflow_parallel", flow)
        flow = self._started()
        says_yes = {"type": "string", "value1": "{{question}}", "operation": "contains", "value2": "yes"}
        condition = flow.add("conditionAgentflow", {"conditions": [says_yes]})
        flow.branches(condition, 2)
        flow.then("startAgentflow_0", condition)
        flow.then(condition, flow.add("directReplyAgentflow", {"directReplyMessage": "it was yes"}), "0")
        self._save("agentflow_deadend", flow)

    def _chains(self) -> None:
        flow = self._chat_model()
        flow.add("conversationChain")
        self._with_memory(flow, "conversationChain_0")
        self._save("chatflow_conversation", flow, "CHATFLOW")
        self._save("chatflow_llmchain", self._chain(), "CHATFLOW")
        self._save("chatflow_nostream", self._chain(streaming=False), "CHATFLOW")
        self._save("chatflow_images", self._chain(allowImageUploads=True), "CHATFLOW")
        structure = [
            {"property": "title", "type": "string", "description": "t"},
            {"property": "score", "type": "number", "description": "s"},
        ]
        parser = {"autofixParser": False, "jsonStructure": json.dumps(structure)}
        self._save("chatflow_json", self._chain(("structuredOutputParser", "outputParser", parser)), "CHATFLOW")
        refusal = "Cannot Process! Input violates content moderation policies."
        moderation = {"denyList": "forbidden word", "moderationErrorMessage": refusal}
        moderated = self._chain(("inputModerationSimple", "inputModeration", moderation))
        self._save("chatflow_moderated", moderated, "CHATFLOW")

    def _chatflow_agents(self) -> None:
        tools = (
            ("chatflow_toolagent", "calculator", {}),
            ("chatflow_failtool", "customTool", {"selectedTool": self._fail_tool}),
        )
        for name, tool, inputs in tools:
            flow = self._chat_model()
            agent = flow.add("toolAgent", {"systemMessage": "Use tools.", "maxIterations": ""})
            self._with_memory(flow, agent)
            flow.plug(flow.add(tool, inputs), agent, "tools")
            self._save(name, flow, "CHATFLOW")
        flow = self._chat_model()
        embeddings = {"modelName": "fake-embed", "basepath": f"{self._models}/v1"}
        flow.add("openAIEmbeddings", embeddings, credential=self._credential)
        document = {"text": "The capital of Testland is Mockville.", "metadata": '{"source":"inline"}'}
        flow.add("plainText", document, outputs={"output": "document"})
        flow.add("memoryVectorStore", {"topK": "2"}, outputs={"output": "retriever"})
        chain = flow.add("conversationalRetrievalQAChain", {"returnSourceDocuments": True})
        flow.plug("openAIEmbeddings_0", "memoryVectorStore_0", "embeddings")
        flow.plug("plainText_0", "memoryVectorStore_0", "document")
        flow.plug("chatOpenAI_0", chain, "model")
        flow.plug("memoryVectorStore_0", chain, "vectorStoreRetriever")
        self._save("chatflow_rag", flow, "CHATFLOW")

    def _sequential(self) -> None:
        """The older kind of agentflow."""
        flow = self._chat_model()
        flow.add("seqStart")
        flow.add("seqLLMNode", {"llmNodeName": "Writer", "systemMessagePrompt": "You write."})
        flow.add("seqEnd")
        flow.plug("chatOpenAI_0", "seqStart_0", "model")
        flow.plug("seqStart_0", "seqLLMNode_0", "sequentialNode")
        flow.plug("seqLLMNode_0", "seqEnd_0", "sequentialNode")
        self._save("agentflow_v1_sequential", flow, "MULTIAGENT")


FIELDS = (("string", "Name"), ("number", "Age"))


def main(base_url: str, process: str, models_port_file: str) -> None:
    server = Server(base_url)
    server.wait(int(process), seconds=120)
    models = f"http://127.0.0.1:{Path(models_port_file).read_text()}"  # written long before the server was up
    account = {"email": "live@example.test", "password": f"Aa1!{secrets.token_urlsafe(16)}"}
    owner = {"name": "Live", "email": account["email"], "credential": account["password"]}
    server.call("POST", "/account/register", {"user": owner})
    server.call("POST", "/auth/login", account)
    server.call("POST", "/apikey", {"keyName": "live", "permissions": PERMISSIONS})
    keys = server.call("POST", "/apikey", {"keyName": "other", "permissions": ["chatflows:view"]})
    key, other = (next(key for key in keys if key["keyName"] == name) for name in ("live", "other"))
    info = {
        "base_url": base_url,
        "version": server.call("GET", "/version")["version"],
        "api_key": key["apiKey"],
        "other_api_key": other["apiKey"],
        "flows": Workshop(server, models, key["id"]).make(),
    }
    print(json.dumps(info, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
