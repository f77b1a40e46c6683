# Renders a template of a BOSH job as the director does. Takes the path of the template; standard input is JSON with the `defaults` of
# the job's spec and the `properties` of a deployment, by their dotted names, and `links` by name.
require 'erb'
require 'json'
require 'ostruct'

class MissingProperty < StandardError; end

# What templates may call.
class Context
  Link = Struct.new(:instances, :properties) do
    def p(name, default = nil)
      properties.fetch(name, default)
    end
  end

  def initialize(input)
    @values = input.fetch('defaults').merge(input.fetch('properties'))
    @links = input.fetch('links', {})
  end

  def p(name, *default)
    return @values[name] unless @values[name].nil?
    raise MissingProperty, "Can't find property '#{name}'" if default.empty?

    default.first
  end

  def if_p(*names)
    values = names.map { |name| @values[name] }
    yield(*values) unless values.any?(&:nil?)
  end

  def if_link(name)
    link = @links[name]
    return if link.nil?

    yield Link.new(link.fetch('instances').map { |instance| OpenStruct.new(instance) }, link.fetch('properties', {}))
  end

  def render(path)
    ERB.new(File.read(path), trim_mode: '-').result(binding)
  end
end

begin
  puts Context.new(JSON.parse($stdin.read)).render(ARGV.fetch(0))
rescue MissingProperty, RuntimeError => e
  abort e.message
end
