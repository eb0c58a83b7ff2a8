"""A local Slack workspace that speaks Slack's wire: Web API, Socket Mode, signed HTTP delivery."""
