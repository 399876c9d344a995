"""Drives `obeya mcp` with the Python client of the Model Context Protocol, by both of its ways to begin a session.

usage: mcp_client.py PROGRAM LEDGER
"""

import asyncio
import json
import sys

from mcp import Client, ClientSession, StdioServerParameters, stdio_client

PROGRAM, LEDGER = sys.argv[1:]
PASSED = []


def server(agent):
    return StdioServerParameters(
        command=PROGRAM, args=["mcp", "--agent", agent, "--ledger", LEDGER]
    )


def check(what, holds, seen):
    if not holds:
        sys.exit(f"FAILED: {what}: {seen}")
    PASSED.append(what)
    print(f"ok: {what}")


async def drive(way, client):
    """Takes one order from the pull to its receipt, and reads the rest."""
    tools = (await client.list_tools()).tools
    check(f"{way}: lists tools", len(tools) == 12, tools)

    async def call(tool, arguments, error=False):
        result = await client.call_tool(tool, arguments)
        check(f"{way}: {tool}", bool(result.is_error) is error, result)
        said = json.loads(result.content[0].text)
        check(f"{way}: {tool} says it twice alike", said == result.structured_content, result)
        return said

    order = (await call("next", {}))["id"]
    refused = await call("claim", {"order": order}, error=True)
    check(f"{way}: a refusal is data", refused["refusal"]["rule"] == "already_started", refused)
    await call("progress", {"order": order, "note": "under way"})
    await call("comment", {"order": order, "text": "from Python"})
    done = await call("complete", {"order": order, "note": "done"})
    check(f"{way}: it is completed", done["order"]["status"] == "completed", done)
    board = await client.read_resource("obeya://board")
    check(f"{way}: reads the board", "summary" in json.loads(board.contents[0].text), board)
    one = await client.read_resource(f"obeya://order/{order}")
    check(f"{way}: reads an order", "from Python" in one.contents[0].text, one)
    prompts = (await client.list_prompts()).prompts
    check(f"{way}: lists prompts", {p.name for p in prompts} == {"pick-up", "hand-over"}, prompts)
    prompt = await client.get_prompt("hand-over", {})
    check(f"{way}: gets a prompt", "nothing to hand over" in prompt.messages[0].content.text, prompt)


async def main():
    async with stdio_client(server("python")) as (reading, writing):
        async with ClientSession(reading, writing) as session:
            hello = await session.initialize()
            check("initialize: greets", hello.server_info.name == "obeya", hello)
            await drive("initialize", session)
    async with Client(server("python")) as client:
        await drive("discover", client)
    print(f"python: {len(PASSED)} passed, 0 failed")


asyncio.run(main())
